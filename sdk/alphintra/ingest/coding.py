"""Symbols as numbers: of the cells of a batch each different one is looked at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from alphintra.ingest.zones import I64

#: What DuckDB's ``trim`` takes away: Unicode's space separators.
_SPACES = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"


def numbered(cells: Any) -> tuple[list[str], I64]:
    """Return the different symbols in cells, without spaces around them, and each row's place among them, or -1."""
    if _all_alike(cells):
        names, codes = [cells[0].as_py()], np.zeros(len(cells), dtype=np.int64)
    else:
        encoded = cells.dictionary_encode()
        names = encoded.dictionary.to_pylist()
        codes = np.asarray(pc.fill_null(encoded.indices, -1), dtype=np.int64)
    bare = [name.strip(_SPACES) for name in names]
    if bare == names and "" not in names:
        return names, codes
    places = {name: place for place, name in enumerate(dict.fromkeys(name for name in bare if name))}
    codes = np.array([*(places.get(name, -1) for name in bare), -1], dtype=np.int64)[codes]
    return list(places), codes


def _all_alike(cells: Any) -> bool:
    """Tell whether all texts are the same one, as most are of a file that is sorted by symbol; their bytes tell."""
    if not len(cells) or cells.null_count or not pa.types.is_string(cells.type):
        return False
    ends = np.frombuffer(cells.buffers()[1], np.int32, len(cells) + 1, 4 * cells.offset)
    length = int(ends[1] - ends[0])
    if not length or (np.diff(ends) != length).any():
        return False
    data = np.frombuffer(cells.buffers()[2], np.uint8, int(ends[-1] - ends[0]), int(ends[0]))
    return bool((data[length:] == data[:-length]).all())
