"""The parser processes: in a sandbox, and replaced when a text was too much for one."""

import asyncio
from pathlib import Path

import pytest
from alphintra_kernel.levels import probe_report
from alphintra_kernel.sandbox import Sandbox
from alphintra_server.source.process import Parser, ParserFailedError

LARGE = 1 << 20
HOSTILE = {
    "a MiB of parentheses": ("(" * LARGE, "SYNTAX_ERROR"),
    "a MiB of signs": ("-" * (LARGE - 1) + "1", "TOO_COMPLEX"),
    "a MiB of negations": ("not " * (LARGE // 4 - 1) + "x", "TOO_COMPLEX"),
    "a null byte": ("x = 1\0", "SYNTAX_ERROR"),
    "a million digits": ("x = " + "9" * (LARGE - 4), "SYNTAX_ERROR"),
    "many branches": ("if x: pass\n" + "elif x: pass\n" * 80_000, "TOO_COMPLEX"),
    "deep indentation": ("".join(" " * depth + "if x:\n" for depth in range(1400)), "SYNTAX_ERROR"),
    "a forward annotation": ("x: '" + "(" * (LARGE - 10) + "'", "SYNTAX_ERROR"),
    "a power": ("x = 9 ** 9 ** 9 ** 9 ** 9", None),
    "a huge string": ("x = 'a' * 10 ** 9 * 10 ** 9", None),
}


@pytest.fixture(params=[probe_report().level, "none"])
def level(request):
    if request.param == "none" and probe_report().level == "none" and request.param_index == 0:
        pytest.skip("this machine has no sandbox")
    return request.param


@pytest.fixture
def make(jp_asyncio_loop):
    made = []

    def parser(level=None, **options):
        made.append(Parser(Sandbox(level, allow_unsandboxed=True), **options))
        return made[-1]

    yield parser
    for each in made:
        jp_asyncio_loop.run_until_complete(each.close())


async def codes(parser, code):
    return [item["code"] for item in (await parser.ask("validate", code=code))["diagnostics"]]


async def test_hostile_texts_get_an_answer_and_so_does_the_next(make):
    parser = make()
    for name, (code, expected) in HOSTILE.items():
        assert await codes(parser, code) == ([] if expected is None else [expected]), name
        assert await codes(parser, "x = 1") == [], name
    assert len(parser._all) == 1  # it was not even replaced


async def test_a_parser_that_was_killed_is_replaced(make, level):
    parser = make(level)
    assert await codes(parser, "x") == ["UNDEFINED_NAME"]
    (child,) = parser._all
    child._process.kill()
    child._process.wait(60)
    assert await codes(parser, "x") == ["UNDEFINED_NAME"]  # found dead before it was asked
    (second,) = parser._all
    assert second is not child


async def test_the_victim_gets_an_error_and_the_next_a_new_parser(make, level):
    parser = make(level)
    assert await codes(parser, "x = 1") == []
    (child,) = parser._all
    parser._seconds, usual = 1, parser._seconds
    with pytest.raises(ParserFailedError, match="too large or nested too deeply"):
        await parser.ask("validate", code="x\n" * (LARGE // 2))
    parser._seconds = usual  # a new one may take its time to start
    assert await codes(parser, "x = 1") == []
    (second,) = parser._all
    assert second is not child
    assert child._process.outcome == "killed"
    with pytest.raises(ParserFailedError, match="KeyError"):
        await parser.ask("validate")
    assert {second} == parser._all  # a request that it cannot read does not break it


async def test_a_short_text_does_not_wait_for_long_ones(make):
    parser = make()
    await codes(parser, "x = 1")
    long = [asyncio.create_task(parser.ask("validate", code="x\n" * (LARGE // 2))) for _ in range(3)]
    await asyncio.sleep(0.1)
    async with asyncio.timeout(15):
        assert await codes(parser, "x = 1") == []
    assert not any(task.done() for task in long)
    for task in long:
        task.cancel()
    await asyncio.gather(*long, return_exceptions=True)
    assert await codes(parser, "x = 1") == []


async def test_it_sees_neither_the_workspace_nor_the_network(make, tmp_path):
    if probe_report().level not in ("full", "no-cgroup"):
        pytest.skip(f"this machine has no namespaces: {probe_report().reason}")
    parser = make()
    await codes(parser, "x = 1")
    (child,) = parser._all
    inside = Path(f"/proc/{child._process._started.first_pid}")
    assert tmp_path.exists()
    assert not (inside / "root" / tmp_path.relative_to("/")).exists()
    assert not (inside / "root/etc/shadow").exists()
    assert (inside / "root/usr/bin").exists()
    devices = (inside / "net/dev").read_text().splitlines()[2:]
    assert [line.split(":")[0].strip() for line in devices] == ["lo"]


async def test_what_breaks_out_of_the_protocol_is_not_asked_again(make):
    from alphintra_server.source.process import _read

    for reply in (b"", b"{}", b"nonsense\n", b"[]\n", b"[" * 100_000 + b"\n", b'{"diagnostics": []}'):
        with pytest.raises(ParserFailedError):
            _read("validate", reply)
    assert _read("validate", b'{"diagnostics": []}\n') == {"diagnostics": []}


async def test_closing_it_leaves_nothing_that_still_runs(level):
    """Also while its first process is being started, which was left behind as a pending task."""
    parser = Parser(Sandbox(level, allow_unsandboxed=True))
    before = asyncio.all_tasks()
    parser.start()
    until = asyncio.get_running_loop().time() + 60
    while parser._free._value == 2:  # nobody asks yet
        assert asyncio.get_running_loop().time() < until
        await asyncio.sleep(0.001)
    await parser.close()
    assert asyncio.all_tasks() == before
    assert parser._all == set()
