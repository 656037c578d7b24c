"""What the contents API of a locked server does with files, folders and links."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import stat

import pytest
from alphintra_server import locked_contents
from jupyter_server.services.contents import filemanager
from tornado.web import HTTPError

from .conftest import NOTEBOOK


async def test_no_hidden_files(services, ask, workspace):
    (workspace / ".secret").write_text("x")
    (workspace / ".git").mkdir()
    for path in (".secret", ".git/hooks/pre-commit", "a/.ipython/startup/x.py"):
        assert (await ask("GET", "api", "contents", *path.split("/")))[0] == 404
        body = {"type": "file", "format": "text", "content": "x"}
        assert (await ask("PUT", "api", "contents", *path.split("/"), body=body))[0] == 400, path
    assert not (workspace / ".git" / "hooks").exists()
    assert (workspace / ".secret").read_text() == "x"


async def test_links_do_not_lead_out(services, ask, workspace, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "key").write_text("secret")
    (workspace / "inside.txt").write_text("fine")
    (workspace / "link").symlink_to(outside / "key")
    (workspace / "folder").symlink_to(outside)
    (workspace / "own").symlink_to(workspace / "inside.txt")
    assert (await ask("GET", "api", "contents", "inside.txt"))[0] == 200
    assert (await ask("GET", "api", "contents", "own"))[0] == 200
    for path in ("link", "folder", "folder/key"):
        assert (await ask("GET", "api", "contents", *path.split("/")))[0] == 404, path
        status, body = await ask("GET", "files", *path.split("/"))
        assert (status, b"secret" in body) == (403, False), path
    body = {"type": "file", "format": "text", "content": "mine"}
    assert (await ask("PUT", "api", "contents", "folder", "new.txt", body=body))[0] == 404
    assert (await ask("PUT", "api", "contents", "link", body=body))[0] == 404
    assert (await ask("DELETE", "api", "contents", "folder", "key"))[0] == 404
    assert (await ask("PATCH", "api", "contents", "inside.txt", body={"path": "folder/inside.txt"}))[0] == 404
    (workspace / ".ipynb_checkpoints").symlink_to(outside)
    assert (await ask("POST", "api", "contents", "inside.txt", "checkpoints"))[0] == 404
    assert sorted(path.name for path in outside.iterdir()) == ["key"]
    assert (outside / "key").read_text() == "secret"
    status, body = await ask("GET", "api", "contents")
    assert status == 200, body
    assert sorted(item["name"] for item in json.loads(body)["content"]) == ["inside.txt", "own"]


async def test_a_folder_swapped_for_a_link_after_the_check(services, jp_serverapp, workspace, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "key").write_text("secret")
    (workspace / "folder").mkdir()
    (workspace / "folder" / "key").write_text("mine")
    contents = jp_serverapp.contents_manager
    checked = contents._get_os_path("folder/key")
    with contents.open(checked) as file:
        assert file.read() == "mine"
    shutil.rmtree(workspace / "folder")
    (workspace / "folder").symlink_to(tmp_path / "outside")
    with pytest.raises((ValueError, OSError)), contents.open(checked) as file:
        file.read()


def text(content, **more):
    return {"type": "file", "format": "text", "content": content, **more}


async def test_what_lies_beside_a_file_is_not_written_through(services, ask, workspace, tmp_path):
    """Jupyter copies the old content to ``.~name`` before it saves; a kernel may have laid a link there."""
    outside = tmp_path / "outside"
    outside.write_text("theirs")
    (workspace / "name.txt").write_text("evil")
    (workspace / ".~name.txt").symlink_to(outside)
    assert (await ask("PUT", "api", "contents", "name.txt", body=text("new")))[0] == 200
    assert ((workspace / "name.txt").read_text(), outside.read_text()) == ("new", "theirs")
    assert sorted(path.name for path in workspace.iterdir()) == [".~name.txt", "name.txt"]


async def test_without_lockdown_it_is_written_through(open_server, services, ask, workspace, tmp_path):
    """The positive control."""
    outside = tmp_path / "outside"
    outside.write_text("theirs")
    (workspace / "name.txt").write_text("evil")
    (workspace / ".~name.txt").symlink_to(outside)
    assert (await ask("PUT", "api", "contents", "name.txt", body=text("new")))[0] == 200
    assert outside.read_text() == "evil"


async def test_a_link_in_the_place_of_the_file_is_replaced_not_followed(services, jp_serverapp, workspace, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("theirs")
    contents = jp_serverapp.contents_manager
    checked = contents._get_os_path("name.txt")
    with contents.atomic_writing(checked) as file:
        (workspace / "name.txt").symlink_to(outside)
        file.write("new")
    assert ((workspace / "name.txt").is_symlink(), (workspace / "name.txt").read_text()) == (False, "new")
    assert outside.read_text() == "theirs"
    with pytest.raises(KeyError), contents.atomic_writing(checked) as file:
        file.write("half")
        raise KeyError
    assert [(path.name, path.read_text()) for path in workspace.iterdir()] == [("name.txt", "new")]


async def test_folders_are_not_copied(services, ask, workspace, tmp_path):
    (tmp_path / "key").write_text("secret")
    (workspace / "folder").mkdir()
    (workspace / "folder" / "link").symlink_to(tmp_path / "key")
    (workspace / "file.txt").write_text("fine")
    status, body = await ask("POST", "api", "contents", body={"copy_from": "folder"})
    assert (status, "folders are not copied" in json.loads(body)["message"]) == (403, True)
    assert [path.name for path in workspace.iterdir() if path.is_dir()] == ["folder"]
    assert (await ask("POST", "api", "contents", "folder", body={"copy_from": "file.txt"}))[0] == 201
    assert (workspace / "folder" / "file.txt").read_text() == "fine"


async def test_a_save_keeps_mode_and_owner(services, ask, workspace):
    script = workspace / "run.py"
    script.write_text("old")
    script.chmod(0o750)
    if os.geteuid() == 0:
        os.chown(script, 4321, 4322)
    before = script.stat()
    assert (await ask("PUT", "api", "contents", "run.py", body=text("new")))[0] == 200
    after = script.stat()
    assert script.read_text() == "new"
    assert (stat.S_IMODE(after.st_mode), after.st_uid, after.st_gid) == (0o750, before.st_uid, before.st_gid)


async def test_large_files_arrive_in_parts(services, ask, workspace, tmp_path):
    parts = [(1, b"one\n"), (2, b"\x00two"), (-1, b"\xffend")]
    for number, part in parts:
        body = text(base64.b64encode(part).decode(), chunk=number) | {"format": "base64"}
        assert (await ask("PUT", "api", "contents", "large.bin", body=body))[0] == (201 if number == 1 else 200)
    assert (workspace / "large.bin").read_bytes() == b"one\n\x00two\xffend"
    broken = text("not base64!", chunk=2) | {"format": "base64"}
    assert (await ask("PUT", "api", "contents", "large.bin", body=broken))[0] == 400
    assert (await ask("PUT", "api", "contents", "large.bin", body=text("x", chunk=2) | {"format": "other"}))[0] == 400
    (tmp_path / "outside").write_text("theirs")
    (workspace / "link").symlink_to(tmp_path / "outside")
    assert (await ask("PUT", "api", "contents", "link", body=text("x", chunk=2)))[0] == 404
    assert (tmp_path / "outside").read_text() == "theirs"


async def test_a_pipe_does_not_stop_the_server(services, ask, workspace, jp_serverapp):
    os.mkfifo(workspace / "pipe")
    assert (await ask("PUT", "api", "contents", "pipe", body=text("x", chunk=2)))[0] == 400
    reader = os.open(workspace / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert (await ask("PUT", "api", "contents", "pipe", body=text("x", chunk=2)))[0] == 400
        assert os.read(reader, 10) == b""
    finally:
        os.close(reader)
    with pytest.raises(HTTPError) as refused, jp_serverapp.contents_manager.open(str(workspace / "pipe"), "rb"):
        pass
    assert refused.value.status_code == 400


async def test_notebooks_are_saved_renamed_and_restored(services, ask, workspace):
    def noted(word):
        return {"type": "notebook", "format": "json", "content": NOTEBOOK | {"metadata": {"note": word}}}

    def note(name):
        return json.loads((workspace / name).read_text())["metadata"]["note"]

    assert (await ask("PUT", "api", "contents", "a.ipynb", body=noted("first")))[0] == 201
    assert (await ask("PUT", "api", "contents", "a.ipynb", body=noted("second")))[0] == 200
    status, body = await ask("GET", "api", "contents", "a.ipynb", "checkpoints")
    (checkpoint,) = json.loads(body)
    assert (status, note("a.ipynb")) == (200, "second")
    assert note(".ipynb_checkpoints/a-checkpoint.ipynb") == "first"
    assert (await ask("PATCH", "api", "contents", "a.ipynb", body={"path": "b.ipynb"}))[0] == 200
    assert (await ask("POST", "api", "contents", "b.ipynb", "checkpoints", checkpoint["id"]))[0] == 204
    assert note("b.ipynb") == "first"
    assert (await ask("PUT", "api", "contents", "b.ipynb", body=noted("third")))[0] == 200
    assert (await ask("POST", "api", "contents", "b.ipynb", "checkpoints"))[0] == 201
    assert note(".ipynb_checkpoints/b-checkpoint.ipynb") == "third"
    assert (await ask("DELETE", "api", "contents", "b.ipynb", "checkpoints", checkpoint["id"]))[0] == 204
    assert sorted(path.name for path in workspace.iterdir()) == [".ipynb_checkpoints", "b.ipynb"]


@pytest.fixture
def swapped(workspace, tmp_path, monkeypatch, jp_serverapp):
    """A folder becomes a link to outside between Jupyter's check of a path and what it then does there."""
    outside = tmp_path / "outside"
    (outside / ".ipynb_checkpoints").mkdir(parents=True)
    for folder in (outside, workspace / "folder"):
        folder.mkdir(exist_ok=True)
        (folder / "key").write_text("theirs")
    (workspace / "mine").write_text("mine")
    usual = filemanager.is_hidden

    def swap(*args):
        if not (workspace / "folder").is_symlink():
            (workspace / "folder").rename(workspace / "aside")
            (workspace / "folder").symlink_to(outside)
        return usual(*args)

    for module in (filemanager, locked_contents):
        monkeypatch.setattr(module, "is_hidden", swap)
    jp_serverapp.contents_manager.delete_to_trash = jp_serverapp.contents_manager.allow_hidden = False
    return outside


ACTS = {
    "delete": lambda contents: contents.delete_file("folder/key"),
    "move out": lambda contents: contents.rename_file("folder/key", "stolen"),
    "move in": lambda contents: contents.rename_file("mine", "folder/planted"),
    "make a folder": lambda contents: contents.save({"type": "directory"}, "folder/planted"),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
async def test_a_folder_swapped_for_a_link_before_it_is_written_to(services, jp_serverapp, swapped, workspace, act):
    with pytest.raises((HTTPError, OSError)):
        await act(jp_serverapp.contents_manager)
    assert (workspace / "folder").is_symlink()
    assert sorted(path.name for path in swapped.iterdir()) == [".ipynb_checkpoints", "key"]


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
async def test_without_lockdown_it_is_followed(open_server, services, jp_serverapp, swapped, act):
    """The positive control."""
    with contextlib.suppress(HTTPError):  # it may find what it has done in the wrong place
        await act(jp_serverapp.contents_manager)
    assert sorted(path.name for path in swapped.iterdir()) != [".ipynb_checkpoints", "key"]


async def test_files_and_folders_are_moved_and_deleted(services, ask, workspace, jp_serverapp):
    (workspace / "a").mkdir()
    (workspace / "a" / "one.txt").write_text("1")
    (workspace / "two.txt").write_text("2")
    assert (await ask("PATCH", "api", "contents", "a", "one.txt", body={"path": "two.txt"}))[0] == 409
    assert (await ask("PATCH", "api", "contents", "no.txt", body={"path": "three.txt"}))[0] == 404
    assert (await ask("PATCH", "api", "contents", "two.txt", body={"path": "a/two.txt"}))[0] == 200
    assert (await ask("PATCH", "api", "contents", "a", body={"path": "b"}))[0] == 200
    assert (await ask("PUT", "api", "contents", "b", body={"type": "directory"}))[0] in {200, 201}
    assert (await ask("PUT", "api", "contents", "b", "two.txt", body={"type": "directory"}))[0] == 400
    assert (await ask("DELETE", "api", "contents", "b"))[0] == 400  # not empty
    for name in ("one.txt", "two.txt"):
        assert (await ask("DELETE", "api", "contents", "b", name))[0] == 204
    assert (await ask("POST", "api", "contents", "b", body={"type": "file"}))[0] == 201
    assert (await ask("POST", "api", "contents", "b", "untitled", "checkpoints"))[0] == 201
    assert (await ask("DELETE", "api", "contents", "b", "untitled"))[0] == 204
    assert (await ask("DELETE", "api", "contents", "b"))[0] == 204  # checkpoints are not seen
    (workspace / "c" / "d").mkdir(parents=True)
    (workspace / "c" / "d" / "file").write_text("x")
    jp_serverapp.contents_manager.always_delete_dir = True
    assert (await ask("DELETE", "api", "contents", "c"))[0] == 204
    assert [path.name for path in workspace.iterdir()] == [".ipynb_checkpoints"]
