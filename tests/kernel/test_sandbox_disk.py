"""What a sandbox may leave on disk and print, and how it is cleared away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from alphintra_kernel.limits import MIB, Limits
from alphintra_kernel.profile import Mount

from alphintra_kernel import disk

LIMITS = Limits(wall_seconds=180, disk_bytes=8 * MIB, disk_files=500)
WAIT = "\nimport time\ntime.sleep(15)"


@pytest.fixture
def writing(inside, tmp_path):
    """Run Python with a writable folder that holds something already."""
    out = tmp_path / "out"
    (out / "before").mkdir(parents=True)
    (out / "before" / "file").write_bytes(b"x" * (2 << 20))

    def run(code, limits=LIMITS):
        return inside(code, limits=limits, mounts=[Mount(out, "/job/out", writable=True)], cwd="/job/out")

    return run


@pytest.mark.parametrize(
    "code",
    [
        "for i in range(12): open(f'{i}', 'wb').write(b'x' * (1 << 20))",
        "for i in range(600): open(f'{i}', 'w')",
        "for i in range(600): open(f'/tmp/{i}', 'w')",
        "for i in range(600): os.link('before/file', f'{i}')",
        "for i in range(150): os.mkdir('d'); os.chdir('d')",
        "held = [open(f'{i}', 'wb', buffering=0) for i in range(12)]\n"
        "for i, f in enumerate(held): os.unlink(f'{i}'); f.write(b'x' * (1 << 20))",
        "for i in range(80):\n    with open('same', 'wb') as f: f.write(b'x' * (1 << 20)); f.flush(); os.fsync(f)",
    ],
    ids=["bytes", "files", "files in tmp", "links", "endless path", "deleted", "over and over"],
)
def test_too_much_ends_it(writing, code):
    said = writing(f"{code}\nsay('done'){WAIT}")
    assert (said.process.outcome, said.code) == ("disk", 137), said.process.stderr_tail()


def test_as_much_as_allowed_does_not(writing):
    code = """
for i in range(6): open(f'{i}', 'wb').write(b'x' * (1 << 20))
for i in range(300): open(f's{i}', 'w'); open(f'/tmp/{i}', 'w')
with open('sparse', 'wb') as f: f.truncate(100 << 20)
import time; time.sleep(0.7)
say('kept')
"""
    said = writing(code)
    assert (said.process.outcome, said.values) == ("exited", ["kept"])


def test_printing_for_ever_ends_it(inside):
    limits = Limits(wall_seconds=180, output_bytes=2 * MIB)
    said = inside("while True: sys.stderr.write('x' * 65536)", limits=limits)
    assert (said.process.outcome, said.code) == ("output", 137)
    assert len(said.process.stderr_tail()) == 64 << 10


def test_what_is_left_is_removed_whatever_it_is(tmp_path):
    out, outside = tmp_path / "out", tmp_path / "outside"
    out.mkdir()
    outside.mkdir()
    (outside / "kept").write_text("kept")
    (out / "link").symlink_to(outside)
    os.mkfifo(out / "pipe")
    (out / "lifted-0").mkdir()
    (out / "lifted-0" / "file").write_text("x")
    start = os.open(".", os.O_RDONLY)
    try:
        os.chdir(out)
        for _ in range(1500):  # longer than any path, deeper than Python's stack
            Path("d" * 10).mkdir()
            os.chdir("d" * 10)
        Path("closed").mkdir(0o000)
    finally:
        os.fchdir(start)
        os.close(start)
    disk.remove(out)
    assert not out.exists()
    assert (outside / "kept").read_text() == "kept"


def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "outside")
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        disk.remove(tmp_path / "out")
    assert (tmp_path / "outside").is_dir()
