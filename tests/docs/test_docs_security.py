"""The bounds that the page on security names are those that hold."""

from __future__ import annotations

from pathlib import Path

from alphintra_kernel.relay import MOST_PARTS
from alphintra_kernel.relay_process import SPARE
from alphintra_server import kernel_connection as page

from alphintra_kernel import output_wait

DOCS = Path(__file__).resolve().parents[2] / "docs"
MIB = 1 << 20


def test_bounds_of_output():
    text = " ".join((DOCS / "security.md").read_text().split())
    for said in (
        f"(and {SPARE // MIB} MiB for its envelope) or has more than {MOST_PARTS:,} parts",
        f"at most {page.BYTES_A_SECOND / MIB:.0f} MiB of output and {page.MESSAGES_A_SECOND:,.0f} messages a second",
        f"({page.BYTES_AT_ONCE / MIB:.0f} MiB and {page.MESSAGES_AT_ONCE:,.0f} at once)",
        f"nothing while {page.MOST_UNREAD // MIB} MiB wait for it",
        f"results and errors of up to {page.MOST_STEERING >> 10} KiB",
        f"({page.STEERING_AT_ONCE / MIB:.0f} MiB at once, {page.STEERING_A_SECOND / MIB:.0f} MiB a second)",
        f"the last {page.KEPT} messages",
    ):
        assert said in text, said


def test_how_long_a_kernel_waits():
    assert (output_wait.PATIENCE_SECONDS, output_wait.AGAIN_SECONDS) == (10, 60)
    assert "It waits ten seconds for who reads nothing at all, and then a minute not" in " ".join(
        (DOCS / "security.md").read_text().split()
    )


def test_the_tests_that_the_table_of_attacks_names_are_there():
    root = DOCS.parent
    text = (DOCS / "attacks.md").read_text()
    for name in {word for word in text.replace("`", " ").replace(";", " ").replace(",", " ").split() if ".py" in word}:
        name = name.strip("().")
        places = (root / name, root / "tests" / "sandbox" / name, root / "tests" / "kernel" / name)
        assert any(place.is_file() for place in places), name
