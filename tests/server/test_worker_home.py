"""The folder that the workers of a server have: nothing of a dead server's is left."""

import fcntl
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from alphintra_server.jobs.worker_home import WorkerHome, remove_tree, sweep_dead_servers


def test_servers_that_start_at_once_leave_nothing_of_a_dead_one(tmp_path):
    """Each swept the same folder, missed what the other had just removed, and left the rest to somebody else."""
    dead = WorkerHome(tmp_path)
    _, folder = dead.new()
    os.close(dead._lock)
    other = os.open(tmp_path / dead.boot, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(other, fcntl.LOCK_EX)
    assert sweep_dead_servers(tmp_path) == 0
    assert (folder / "in" / "source").is_dir()  # the other is at it
    os.close(other)
    for number in range(20):
        inside = tmp_path / f"{number:012x}" / "1" / "in"
        inside.mkdir(parents=True)
        for name in "abc":
            (inside / name).touch()
    with ThreadPoolExecutor(3) as threads:
        for swept in [threads.submit(sweep_dead_servers, tmp_path) for _ in range(3)]:
            assert swept.result() == 0
    assert list(tmp_path.iterdir()) == []


def test_servers_that_die_while_they_make_their_folder_leave_none(tmp_path):
    (tmp_path / ".a1b2c3").mkdir()
    (tmp_path / ".d4e5f6").mkdir()
    (tmp_path / ".d4e5f6" / "lock").touch()
    assert sweep_dead_servers(tmp_path) == 0
    assert list(tmp_path.iterdir()) == []
    homes = [WorkerHome(tmp_path) for _ in range(30)]
    with ThreadPoolExecutor(8) as threads:  # who is about to make one is left alone
        done = [threads.submit(work) for home in homes for work in (home.open, lambda: sweep_dead_servers(tmp_path))]
        assert {future.result() for future in done} == {None, 0}
    assert {item.name for item in tmp_path.iterdir()} == {home.boot for home in homes}
    for home in homes:
        home.close()


def test_a_folder_is_removed_however_deep_and_whatever_its_modes(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    home = WorkerHome(tmp_path / "workers")
    _, folder = home.new()
    start = os.open(".", os.O_RDONLY)
    try:
        os.chdir(folder / "out")
        for _ in range(1_100):  # beyond the longest path, and beyond Python's own recursion
            Path("long-name").mkdir()
            os.chdir("long-name")
        Path("link").symlink_to(outside)
    finally:
        os.fchdir(start)
        os.close(start)
    (folder / "out" / "link").symlink_to(outside)
    os.mkfifo(folder / "out" / "fifo")
    (folder / "out" / "closed").mkdir(mode=0)
    for number in range(2_000):
        (folder / "out" / str(number)).touch()
    remove_tree(folder)
    assert not folder.exists()
    assert (outside / "kept").exists()
    home.close()
    assert not (tmp_path / "workers" / home.boot).exists()
