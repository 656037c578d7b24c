"""From columns of Arrow tables to flat arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def to_array(column: Any) -> npt.NDArray[Any]:
    """Return a fresh, writable array: times as int64 microseconds, dates as int32 days.

    Not ``to_numpy``, which imports pandas. The column must have no nulls.
    """
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    elif pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    return np.array(np.from_dlpack(column.combine_chunks()))
