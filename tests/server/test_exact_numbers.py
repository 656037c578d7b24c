"""Exact numbers: what is refused before anything writes it out, and what is kept."""

from decimal import Decimal

import pytest
from alphintra_server.db.types import ExactDecimal
from alphintra_server.jobs.output import Exact
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.dialects import postgresql

READ = TypeAdapter(Exact).validate_python
STORE = ExactDecimal().bind_processor(postgresql.dialect())


@pytest.mark.parametrize(
    "given",
    [
        "1E-1000000000", "0E+1000000000", "0E-1000000000", "1E+41", "1E-41", 10**41, 1e-41, 1e300, "1" * 41,
        "1" * 10_000, "Infinity", "NaN", "0." + "0" * 100,
    ],
)
def test_what_would_fill_the_memory_or_no_column_is_refused(given):
    with pytest.raises(ValidationError):
        READ(given)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (0.1, "0.1"),
        (-1.7763568394002505e-15, "-0.0000000000000017763568394002505"),
        (1.234567890123e-40, "0." + 39 * "0" + "1234567890123"),
        (9.999999999999999e39, "9999999999999999" + 24 * "0"),
        ("123456789012345678901234567890.1234567891", "123456789012345678901234567890.1234567891"),
        (10**39, "1" + 39 * "0"),
        ("0.00", "0.00"),
        (0, "0"),
    ],
)
def test_what_a_run_computes_is_kept_to_the_last_digit(given, kept):
    text = STORE(READ(given))
    assert text == kept
    assert len(text) <= 64
    assert Decimal(text) == READ(given)


def test_places_without_room_are_rounded_away():
    nines = STORE(READ("-" + "9" * 40 + "E-79"))
    assert (nines, len(nines)) == ("-0." + 38 * "0" + "1" + 21 * "0", 63)
    assert STORE(Decimal("1E-1000000000")) == "0." + 60 * "0"
    assert len(STORE(Decimal("-" + "9" * 61 + ".9"))) <= 64


@pytest.mark.parametrize("value", ["1E+61", "0E+1000000000", "NaN", "Infinity"])
def test_what_no_column_can_hold_is_not_written(value):
    with pytest.raises(ValueError, match="too large to be stored"):
        STORE(Decimal(value))
