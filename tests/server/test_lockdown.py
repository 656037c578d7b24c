"""A server on which people open notebooks that they do not trust: asked as JavaScript in an output would ask."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from alphintra_server import lockdown
from jupyter_client.kernelspec import NoSuchKernel
from tornado.httpclient import HTTPClientError

import alphintra_kernel

from ..kernel.kernels import register

ARGV = ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
SPEC = {"argv": ARGV, "display_name": "Other", "language": "python"}


@pytest.fixture
def settings():
    return {"lockdown": True}


@pytest.fixture
def jp_server_config(jp_server_config, jp_data_dir):
    register()
    # Both kernels are installed, and all that lockdown takes away was asked for.
    kernels = Path(jp_data_dir) / "kernels"
    for name in ("alphintra", "other"):
        (kernels / name).mkdir(parents=True)
    shutil.copy(Path(alphintra_kernel.__file__).parent / "resources" / "kernel.json", kernels / "alphintra")
    (kernels / "other" / "kernel.json").write_text(json.dumps(SPEC))
    server = jp_server_config["ServerApp"]
    server["jpserver_extensions"] |= {"jupyter_server_terminals": True, "jupyterlab": True, "jupyter_lsp": True}
    server |= {"terminals_enabled": True, "allow_external_kernels": True}
    return jp_server_config | {
        "ContentsManager": {"allow_hidden": True},
        "LockedContentsManager": {"allow_hidden": True},
        "LabApp": {"extension_manager": "pypi"},
        "SandboxProvisioner": {"network": True},
    }


@pytest.fixture
def ask(jp_fetch):
    async def fetch(method, *path, body=None, **params):
        data = None if body is None else json.dumps(body)
        try:
            reply = await jp_fetch(*path, method=method, body=data, params=params, allow_nonstandard_methods=True)
        except HTTPClientError as error:
            assert error.response is not None
            return error.code, error.response.body
        return reply.code, reply.body

    return fetch


@pytest.fixture
def open_server(jp_server_config):
    """The same without lockdown, for what must differ."""
    jp_server_config["AlphintraServer"]["lockdown"] = False


async def test_no_other_kernel_starts(services, ask, jp_serverapp):
    status, body = await ask("GET", "api", "kernelspecs")
    assert (status, list(json.loads(body)["kernelspecs"])) == (200, ["alphintra"])
    for name in ("other", "python3", "../other", "ALPHINTRA"):
        status, _ = await ask("POST", "api", "kernels", body={"name": name})
        assert status in {404, 500}, (name, status)
        session = {"path": "x.ipynb", "name": "x", "type": "notebook", "kernel": {"name": name}}
        status, _ = await ask("POST", "api", "sessions", body=session)
        assert status in {404, 500, 501}, (name, status)
    assert json.loads((await ask("GET", "api", "kernels"))[1]) == []
    with pytest.raises(NoSuchKernel):
        jp_serverapp.kernel_manager.kernel_spec_manager.get_kernel_spec("other")


async def test_no_terminals(services, ask):
    assert (await ask("POST", "api", "terminals", body={}))[0] == 404
    assert (await ask("GET", "api", "terminals"))[0] == 404


async def test_no_extension_is_installed(services, ask, jp_serverapp):
    (lab,) = jp_serverapp.extension_manager.extension_apps["jupyterlab"]
    assert lab.extension_manager == "readonly"
    body = {"cmd": "install", "extension_name": "x"}
    assert (await ask("POST", "lab", "api", "extensions", body=body))[0] == 422


async def test_no_hidden_files(services, ask, workspace):
    (workspace / ".secret").write_text("x")
    (workspace / ".git").mkdir()
    for path in (".secret", ".git/hooks/pre-commit", "a/.ipython/startup/x.py"):
        assert (await ask("GET", "api", "contents", *path.split("/")))[0] == 404
        body = {"type": "file", "format": "text", "content": "x"}
        assert (await ask("PUT", "api", "contents", *path.split("/"), body=body))[0] in {400, 404}, path
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
        assert (status in {403, 404}, b"secret" in body) == (True, False), path
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


async def test_notebooks_have_no_network(services, jp_serverapp):
    assert jp_serverapp.config.SandboxProvisioner.network is False
    assert jp_serverapp.config.LabApp.extension_manager == "readonly"
    assert jp_serverapp.config.LanguageServerManager.autodetect is False


async def test_without_lockdown_all_that_is_there(open_server, services, ask, workspace, tmp_path):
    """The positive control: what is refused above is refused by lockdown."""
    _, body = await ask("GET", "api", "kernelspecs")
    assert {"alphintra", "other"} <= set(json.loads(body)["kernelspecs"])
    (tmp_path / "key").write_text("secret")
    (workspace / "link").symlink_to(tmp_path / "key")
    assert (await ask("GET", "api", "contents", "link"))[0] == 200
    status, _ = await ask("POST", "api", "terminals", body={})
    assert status == 200


async def test_a_server_that_is_not_locked_does_not_start(open_server, services, jp_serverapp, workspace):
    """Whatever other extensions do to its parts."""
    jp_serverapp.contents_manager.allow_hidden = True
    with pytest.raises(SystemExit, match="allow terminals, other kernels, other folders, hidden files"):
        lockdown.hold(jp_serverapp, str(workspace))
