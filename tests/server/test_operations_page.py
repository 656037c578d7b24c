"""The operations page says what is: codes, settings, metrics and crash points are those of the program."""

import re
from pathlib import Path

from alphintra_server import crash_points, metrics
from alphintra_server.app import AlphintraServer
from prometheus_client import Counter

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
# Where a job's error gets its code; "code" in them is nothing else.
SERVER = ("attempt", "lost_rows", "output", "sealed_files", "store", "supervisor")
KERNEL = ("worker", "user_source", "outputs", "check_job")
# What else stands in such places: statuses, the side of an order, and the time zone.
NO_CODES = {"CANCELLED", "COMPLETED", "FAILED", "SELL", "UTC"}
# Answers to a request, not ends of jobs.
REQUESTS = {"ALREADY_FINISHED", "ALREADY_STARTED", "QUEUE_FULL"}


def table(heading):
    """First columns of a section's table, as sets of its words in backquotes."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return [re.findall(r"`([A-Za-z_]+)`", row.split("|")[1]) for row in rows]


def test_every_code_of_a_failed_job_is_explained():
    server = ROOT / "server_extension/alphintra_server"
    folders = (
        (server / "jobs", SERVER),
        (server / "sealing", ("copies", "vault")),
        (ROOT / "alphintra_kernel/alphintra_kernel", KERNEL),
    )
    text = "".join((folder / f"{name}.py").read_text() for folder, names in folders for name in names)
    quoted = set(re.findall(r'"([A-Z]{2,}(?:_[A-Z]+)*)"', text))
    explained = {code for row in table("Why a job failed") for code in row}
    assert explained <= quoted
    # The other way round: whatever stands where a code does.
    before = r'(?:failed\(|"code": |return \(?|errno\.\w+: \(|, )'
    told = set(re.findall(before + r'"([A-Z]{2,}(?:_[A-Z]+)*)"', text))
    assert {"STRATEGY_ERROR", "TIME_LIMIT", "NO_CLASS", "LOST", "DISK_FULL"} <= told
    assert told - explained - REQUESTS == NO_CODES


def test_the_states_are_those_of_the_table():
    from alphintra_server.models.jobs import JobStatus

    assert [row[0] for row in table("States")] == [status.value for status in JobStatus]


def test_the_settings_exist_with_these_defaults():
    traits = AlphintraServer.class_traits()
    names = [row[0] for row in table("Settings")]
    assert all(traits[name].metadata.get("config") for name in names)
    limits = {name for name in traits if re.match(r"(max|job|keep|lease|heartbeat)_", name)}
    assert limits <= set(names)
    units = {"": 1, " KiB": 1 << 10, " MiB": 1 << 20, " GiB": 1 << 30}
    for name, number, unit in re.findall(r"^\| `(\w+)` \| ([0-9]+)( [GKM]iB)? \|", PAGE, re.MULTILINE):
        assert traits[name].default_value == int(number) * units[unit], name


def test_the_metrics_exist():
    def names(value):
        return value._name + ("_total" if isinstance(value, Counter) else "")

    known = {names(value) for value in vars(metrics).values() if hasattr(value, "_name")}
    shown = [row[0] for row in table("Watching")]
    assert sorted(shown) == sorted(known)
    # Each with the labels that it has.
    rows = [line for line in PAGE.splitlines() if line.startswith(("| `alphintra_", "| `http_requests"))]
    told = [(line.split("`")[1], re.findall(r"`(\w+)`", line.split("|")[2])) for line in rows]
    labels = {names(value): list(value._labelnames) for value in vars(metrics).values() if hasattr(value, "_name")}
    assert dict(told) == labels


def test_the_crash_points_are_those_of_the_kill_test():
    assert [row[0] for row in table("What happens at a crash")] == list(crash_points.POINTS)
