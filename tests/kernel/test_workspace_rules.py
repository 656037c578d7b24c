"""Folders that may be a workspace, and those that hold or lie in what starts and guards kernels."""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

import alphintra
import pytest
from alphintra_kernel.isolation import Isolation, kernel_level, own
from alphintra_kernel.workspace_rules import refusal

from alphintra_kernel import disk, kernel_home, levels, ownership, profile

from . import kernels

PACKAGE = Path(alphintra.__file__).parent
CLONE = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_PATH", "IPYTHONDIR"):
        monkeypatch.delenv(name, raising=False)
    return home


def test_a_folder_of_its_own(home, tmp_path):
    (home / "trading").mkdir()
    assert refusal(home / "trading") is None
    assert refusal(tmp_path / "not there yet") is None
    assert refusal(CLONE / "workspace") is None  # that of `make lab`


@pytest.mark.parametrize("name", ["", ".", "..", "../..", "sub/..", "/", "~"])
def test_not_the_home_nor_what_holds_it(home, name):
    (home / "sub").mkdir()
    folder = Path(name) if name in {"/", "~"} else home / name
    assert "because it holds your home folder" in (refusal(folder) or "")


def test_not_through_a_link(home, tmp_path):
    (tmp_path / "link").symlink_to(home)
    assert "because it holds your home folder" in (refusal(tmp_path / "link") or "")
    (home / "work").mkdir()
    (tmp_path / "fine").symlink_to(home / "work")
    assert refusal(tmp_path / "fine") is None
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "cannot be looked at" in (refusal(tmp_path / "loop") or "")


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        (Path(sys.prefix), "holds the Python environment"),
        (Path(sys.prefix).parent, "holds the Python environment"),
        (Path(sys.prefix) / "lib", "lies inside the Python environment"),
        (Path(sys.base_prefix) / "lib", "lies inside the Python environment"),
        (CLONE / "sdk", "holds Alphintra's own code"),  # the clone itself may also hold the Python environment
        (PACKAGE, "holds Alphintra's own code"),
        (PACKAGE / "snippets", "lies inside Alphintra's own code"),
        (CLONE / ".git" / "hooks", "lies inside .git"),
    ],
)
def test_not_python_nor_our_own_code(folder, reason):
    assert reason in (refusal(folder) or "")


def test_not_what_jupyter_and_ipython_read(home, tmp_path, monkeypatch):
    kernelspecs = tmp_path / "share" / "jupyter"
    kernelspecs.mkdir(parents=True)
    monkeypatch.setenv("JUPYTER_PATH", str(kernelspecs))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "settings"))
    (tmp_path / "settings" / "sub").mkdir(parents=True)
    (tmp_path / "ipython").mkdir()
    assert "holds the settings" in (refusal(kernelspecs) or "")
    assert "holds the settings" in (refusal(tmp_path / "share") or "")
    assert "lies inside the settings" in (refusal(tmp_path / "settings" / "sub") or "")
    assert "holds the settings" in (refusal(tmp_path / "ipython") or "")


def test_not_in_a_repository_of_somebody_nor_data_nor_a_file(tmp_path):
    inside = tmp_path / "repository" / ".GIT" / "hooks"
    inside.mkdir(parents=True)
    assert "lies inside .git" in (refusal(inside) or "")
    data = tmp_path / "data"
    data.mkdir()
    assert "holds Alphintra's data" in (refusal(tmp_path, {"Alphintra's data": data}) or "")
    assert "lies inside Alphintra's data" in (refusal(data / "jobs", {"Alphintra's data": data}) or "")
    (tmp_path / "file").write_text("")
    assert "is not a folder" in (refusal(tmp_path / "file") or "")


@pytest.mark.parametrize(
    "name",
    ["/etc/cron.d", "/var/spool", "/var/spool/x", "/usr/lib", "/lib", "/run/user/1000/w", "/var/run/x", "/dev/shm/x"],
)
def test_not_the_systems_folders(home, name):
    """Those in memory neither: what lies there is gone when the machine starts again."""
    said = refusal(Path(name)) or ""
    assert "a folder of the system" in said or "folders of the system" in said


@pytest.mark.parametrize("name", ["/home", "/tmp", "/var", "/opt", "/var/tmp"])
def test_not_a_folder_of_many_but_one_in_it(home, name):
    assert "because it holds " in (refusal(Path(name)) or "")


@pytest.mark.parametrize("name", ["/tmp/x/y", "/home/u/w", "/opt/x/w", "/var/lib/x", "/srv/w", "/mnt/w", "/mine"])
def test_a_folder_below_those_of_many(home, name):
    assert refusal(Path(name)) is None


def test_other_letters_are_the_same_folder(home, monkeypatch):
    """On a disk that takes HOME for home, a path of other letters has the same identity."""
    other = home.parent / "HOME"
    if not other.exists():  # this disk tells them apart: a second way to the same folder, which no path comparison sees
        if os.geteuid() != 0:
            pytest.skip("a second way to the same folder needs root on this disk")
        other.mkdir()
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(str(home).encode(), str(other).encode(), b"", 0x1000, None) != 0:
            pytest.skip(f"cannot mount here: {os.strerror(ctypes.get_errno())}")
        try:
            assert "because it holds your home folder" in (refusal(other) or "")
        finally:
            libc.umount2(str(other).encode(), 2)
    else:
        assert "because it holds your home folder" in (refusal(other) or "")


@pytest.mark.skipif(kernel_level() not in levels.OWN_FILES, reason="no sandbox here")
def test_a_kernel_in_a_refused_folder_starts_without_it_and_says_so(tmp_path):
    with kernels.kernel(tmp_path / "specs", cwd=CLONE, data_dir=tmp_path / "data") as kernel:
        first, second, *_ = kernel.banner.splitlines()
        assert first.startswith("Alphintra ")
        assert second == f"🔴 {refusal(CLONE)}"
        assert kernel.value("import os; os.getcwd()") == "'/home/trader'"
        assert kernel.value(f"os.path.exists({str(CLONE / 'pyproject.toml')!r})") == "False"


def test_a_kernel_says_what_it_is_not_what_it_was_told(tmp_path):
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nNoNewPrivs:\t1\n")
    told = {"ALPHINTRA_SANDBOX_LEVEL": "full", "ALPHINTRA_SANDBOX_NETWORK": "off"}
    assert own(told, status) == Isolation("full", False)
    status.write_text("Name:\tpython\nNoNewPrivs:\t0\n")
    assert str(own(told, status)) == "🔴 not sandboxed"
    assert own(told, tmp_path / "none").level == "none"
    assert own({"ALPHINTRA_SANDBOX_LEVEL": "marvellous"}, status).level == "none"
    pod = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "ALPHINTRA_POD_IS_SANDBOX": "1"}
    assert str(own(pod, status)) == "sandboxed (pod), network on"


def test_the_network_file_only_takes_away(tmp_path):
    (tmp_path / "home").mkdir()
    assert kernel_home.wants_no_network(tmp_path / "home") is False
    kernel_home.switch_network(False, tmp_path / "home")
    assert kernel_home.wants_no_network(tmp_path / "home") is True
    kernel_home.switch_network(True, tmp_path / "home")
    assert kernel_home.wants_no_network(tmp_path / "home") is False
    (tmp_path / "home" / ".config").rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "alphintra" / "no-network").touch()
    (tmp_path / "home" / ".config").symlink_to(tmp_path / "elsewhere")
    assert kernel_home.wants_no_network(tmp_path / "home") is False


def test_the_home_is_no_link(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / kernel_home.NAME).symlink_to(tmp_path)
    with pytest.raises(NotADirectoryError):
        kernel_home.prepare(tmp_path / "data", None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_gives_away(tmp_path):
    work, outside = tmp_path / "work", tmp_path / "outside"
    (work / "sub").mkdir(parents=True)
    outside.mkdir()
    for path in (work / "sub" / "mine", outside / "root's", work / "other's", outside / "twice"):
        path.write_text("x")
    (work / "link").symlink_to(outside / "root's")
    (work / "folder").symlink_to(outside)
    (work / "twice").hardlink_to(outside / "twice")
    os.chown(work / "other's", 4321, 4321)
    assert ownership.kernel_user(work, tmp_path / "data") not in {0, None}
    assert ownership.hand_over(work, 54321) is True
    owners = {str(path.relative_to(tmp_path)): path.lstat().st_uid for path in tmp_path.rglob("*")}
    assert {name for name, owner in owners.items() if owner == 54321} == {"work", "work/sub", "work/sub/mine"}
    assert owners["work/other's"] == 4321
    assert ownership.kernel_user(work, tmp_path / "data") == 54321
    assert ownership.hand_over(work, 54321, most=1) is False


def descriptors():
    return len([*Path("/proc/self/fd").iterdir()])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_folders_without_end_are_given_as_far_as_is_honest(tmp_path):
    at, held = tmp_path / "deep", descriptors()
    at.mkdir()
    folder = os.open(at, os.O_RDONLY)
    for _ in range(1300):
        os.mkdir("d", dir_fd=folder)
        below = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(folder)
    try:
        (tmp_path / "deep" / "z").mkdir()
        (tmp_path / "deep" / "z" / "file").write_text("x")
        assert ownership.hand_over(tmp_path / "deep", 54321) is False
        assert (tmp_path / "deep" / "z" / "file").stat().st_uid == 54321
        way = [tmp_path / "deep" / "/".join("d" * depth) for depth in range(1, ownership.DEEPEST + 2)]
        owners = [folder.stat().st_uid for folder in way]
        assert owners == [54321] * (ownership.DEEPEST - 1) + [0, 0]
        assert descriptors() == held
    finally:
        disk.remove(tmp_path / "deep")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_is_no_file_is_not_given_nor_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "one").write_text("x")
    (tmp_path / "one").chmod(0o4755)
    assert ownership.hand_over(tmp_path, 54321) is True
    assert (tmp_path / "pipe").stat().st_uid == 0
    given = (tmp_path / "one").stat()
    assert (given.st_uid, given.st_mode & 0o7777) == (54321, 0o755)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize(("mode", "group", "other"), [(0o700, 0, 0), (0o750, 5, 0), (0o755, 5, 5), (0o777, 5, 5)])
def test_new_files_are_open_to_nobody_more_than_their_folder(tmp_path, mode, group, other):
    work = tmp_path / "work"
    work.mkdir()
    work.chmod(mode)
    ownership.hand_over(work, 54321)
    try:
        os.getxattr(work, "system.posix_acl_default")
    except OSError as error:
        pytest.skip(f"no access lists on this disk: {error.strerror}")
    (work / "sub").mkdir()
    ownership.hand_over(work, 54321)  # what a folder took over it does not widen
    for folder in (work, work / "sub"):
        (folder / "new").write_text("x")
        entries = struct.iter_unpack("<HHI", os.getxattr(folder / "new", "system.posix_acl_access")[4:])
        rights = {(tag, owner): granted for tag, granted, owner in entries}
        nobody = 0xFFFFFFFF
        assert (rights[0x02, 54321], rights[0x10, nobody]) == (7, 6)  # the mask: nobody may run it
        assert (rights[0x04, nobody], rights[0x20, nobody]) == (group, other & 6)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root chooses who kernels are")
def test_roots_workspace_never_goes_to_a_person(tmp_path, monkeypatch):
    data, work = tmp_path / "data", tmp_path / "work"
    work.mkdir()
    kernel_home.prepare(data, 1001)  # a person's
    chosen = ownership.kernel_user(work, data)
    assert chosen in profile.host_user_ids(Path("/proc/self/uid_map").read_text())
    home = kernel_home.prepare(data, chosen)
    assert (home.name, home.stat().st_uid) == (f"{kernel_home.NAME}-{chosen}", chosen)
    assert {ownership.kernel_user(work, data) for _ in range(5)} == {chosen}  # it has a home now
    assert ownership.kernel_user(None, data) == chosen
    monkeypatch.setattr(ownership, "_id_map", lambda: "0 1000 1")
    with pytest.raises(OSError, match="no user ids for kernels"):
        ownership.kernel_user(work, data)


@pytest.mark.parametrize(
    ("uid_map", "first", "last"),
    [
        ("0 0 4294967295", 200_001, 1_199_999),
        ("0 1000 1\n1 100000 65536", 45_537, 65_533),
        ("0 100000 65536", 45_536, 65_533),
        ("0 0 1\n1 100000 5000", 1_001, 4_998),
    ],
)
def test_ids_that_nobody_has(uid_map, first, last):
    free = profile.host_user_ids(uid_map)
    assert (free[0], free[-1], 65_534 in free) == (first, last, False)


def test_a_container_of_one_user_has_none():
    assert not profile.host_user_ids("         0       1000          1")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has several homes")
def test_each_user_has_a_home(tmp_path):
    first = kernel_home.prepare(tmp_path, 1001)
    assert (first.name, first.stat().st_uid, kernel_home.owners(tmp_path)) == (kernel_home.NAME, 1001, [1001])
    other = kernel_home.prepare(tmp_path, 1002)
    assert (other.name, other.stat().st_uid) == (f"{kernel_home.NAME}-1002", 1002)
    assert kernel_home.prepare(tmp_path, 1001) == first
    assert kernel_home.owners(tmp_path) == [1001, 1002]
