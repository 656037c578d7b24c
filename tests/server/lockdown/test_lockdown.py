"""A server on which people open notebooks that they do not trust: asked as JavaScript in an output would ask."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from alphintra_server import lockdown
from jupyter_client.kernelspec import NoSuchKernel
from nbconvert.exporters.base import ExporterDisabledError, get_exporter

from alphintra_kernel import levels

from .conftest import NOTEBOOK


async def test_no_other_kernel_starts(services, ask, jp_serverapp):
    status, body = await ask("GET", "api", "kernelspecs")
    assert (status, list(json.loads(body)["kernelspecs"])) == (200, ["alphintra"])
    for name in ("other", "python3", "../other", "ALPHINTRA"):
        status, _ = await ask("POST", "api", "kernels", body={"name": name})
        assert status == 404, (name, status)
        session = {"path": "x.ipynb", "name": "x", "type": "notebook", "kernel": {"name": name}}
        status, _ = await ask("POST", "api", "sessions", body=session)
        assert status == 501, (name, status)  # Jupyter's word for it
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


async def test_no_program_of_the_servers_own_gets_a_notebook(services, ask, workspace):
    (workspace / "a.ipynb").write_text(json.dumps(NOTEBOOK))
    assert (await ask("GET", "nbconvert", "html", "a.ipynb"))[0] == 200
    for name in ("webpdf", "qtpdf", "qtpng", "latex", "pdf"):
        with pytest.raises(ExporterDisabledError):
            get_exporter(name)  # as the server asks, which has the settings of its own application
        assert (await ask("GET", "nbconvert", name, "a.ipynb"))[0] == 500, name


@pytest.fixture
def planted(workspace, monkeypatch):
    """A template as a kernel may lay it where the server was started."""
    (workspace / "lab").mkdir()
    (workspace / "lab" / "index.html.j2").write_text("{{ 6 * 7 }} was run in the server")
    (workspace / "a.ipynb").write_text(json.dumps(NOTEBOOK))
    monkeypatch.chdir(workspace)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])  # a server that is a program


async def test_a_template_in_the_workspace_is_not_run(planted, services, ask):
    status, body = await ask("GET", "nbconvert", "html", "a.ipynb")
    assert (status, b"was run in the server" in body, b"<title>a</title>" in body) == (200, False, True)


async def test_without_lockdown_it_is_run(planted, open_server, services, ask):
    """The positive control."""
    status, body = await ask("GET", "nbconvert", "html", "a.ipynb")
    assert (status, body) == (200, b"42 was run in the server")


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


async def test_a_server_that_is_not_locked_does_not_start(open_server, services, jp_serverapp, workspace, data_dir):
    """Whatever other extensions do to its parts."""
    jp_serverapp.contents_manager.allow_hidden = True
    with pytest.raises(SystemExit, match="allow terminals, other kernels, other folders, hidden files"):
        lockdown.hold(jp_serverapp, str(workspace), data_dir)


async def test_nor_one_on_a_refused_workspace_or_without_a_sandbox(
    services, jp_serverapp, workspace, data_dir, monkeypatch
):
    lockdown.hold(jp_serverapp, str(workspace), data_dir)
    with pytest.raises(SystemExit, match=r"lockdown is set: .* holds Alphintra's data"):
        lockdown.hold(jp_serverapp, str(data_dir), data_dir)
    with pytest.raises(SystemExit, match="lies inside a folder of the system"):
        lockdown.hold(jp_serverapp, "/etc/cron.d", data_dir)
    with monkeypatch.context() as started_as_module:
        started_as_module.chdir(workspace)
        started_as_module.syspath_prepend("")
        with pytest.raises(SystemExit, match="import modules from the workspace"):
            lockdown.hold(jp_serverapp, str(workspace), data_dir)
    monkeypatch.setattr(lockdown, "kernel_level", lambda: levels.NONE)
    with pytest.raises(SystemExit, match="this machine cannot sandbox notebooks"):
        lockdown.hold(jp_serverapp, str(workspace), data_dir)


async def test_buttons_in_outputs_are_no_commands(services, ask):
    status, body = await ask("GET", "lab", "api", "settings", lockdown.SANITIZER)
    default = json.loads(body)["schema"]["properties"]["allowCommandLinker"]["default"]
    assert (status, default) == (200, False)


async def test_without_lockdown_they_are(open_server, services, ask):
    """The positive control."""
    _, body = await ask("GET", "lab", "api", "settings", lockdown.SANITIZER)
    assert json.loads(body)["schema"]["properties"]["allowCommandLinker"]["default"] is True


async def test_a_setting_of_the_users_own_that_allows_them_is_told(
    services, jp_serverapp, workspace, data_dir, tmp_path
):
    (lab,) = jp_serverapp.extension_manager.extension_apps["jupyterlab"]
    lab.user_settings_dir = str(tmp_path / "settings")  # its own is that of the process's first server
    package, plugin = lockdown.SANITIZER.split(":")
    file = Path(lab.user_settings_dir) / package / f"{plugin}.jupyterlab-settings"
    file.parent.mkdir(parents=True)
    for said, refused in (("{// mine\nallowCommandLinker: true}", True), ("{autolink: false}", False), ("{", True)):
        file.write_text(said)
        if refused:
            with pytest.raises(SystemExit, match=r"allow commands in outputs \(allowCommandLinker\)"):
                lockdown.hold(jp_serverapp, str(workspace), data_dir)
        else:
            lockdown.hold(jp_serverapp, str(workspace), data_dir)
