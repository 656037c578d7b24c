"""Random scripts on the compiled core, in one go and from a snapshot: what the plain core does."""

from __future__ import annotations

import numpy as np
import pytest

from ..fuzz import one_in
from . import play
from .make import cases

pytestmark = pytest.mark.no_cover


@pytest.mark.parametrize("batch", one_in(5, range(80, 90)))
def test_the_compiled_core_is_the_plain_one(batch: int) -> None:
    for case in cases(batch, markets=5, each=10):
        rng = np.random.default_rng([case.seed, 5])
        plain = play.state(*play.batch(case))
        with play.compiled():
            session, end = play.batch(case)
            assert session.core.__name__.endswith("compiled")
            play.assert_same(plain, play.state(session, end), f"{case}, compiled")
            again = play.rewound(case, rng) if case.seed % 2 else play.unpacked(case, rng)
        play.assert_same(plain, play.state(*again), f"{case}, compiled from a snapshot")
