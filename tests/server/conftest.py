"""A Jupyter server with the extension, its own folders, and users with roles."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from alphintra_kernel.cgroup import Group
from alphintra_kernel.doors import opener
from alphintra_kernel.priority import NORMAL
from alphintra_server.app import AlphintraServer
from alphintra_server.auth import RoleUser
from jupyter_core.paths import jupyter_path
from jupyter_server.auth.identity import IdentityProvider

# Here and not for all tests: the plugin tidies an event loop after each test, which Chromium's driver has of its own.
from pytest_jupyter.jupyter_core import *  # noqa: F403
from pytest_jupyter.jupyter_server import *  # noqa: F403
from tornado.httpclient import HTTPClientError

from ..postgres import own_postgres, postgres, postgres_url  # noqa: F401  fixtures
from . import databases
from .databases import _postgres_template, migrated_postgres_url  # noqa: F401  fixtures
from .uploaded import job_end, look_at, looked_at, make_version, put_upload  # noqa: F401  fixtures

STRATEGY = '''\
import alphintra as al

class SmaCross(al.Strategy):
    """Long when the fast average is above the slow one."""
    fast = al.Param(20, low=2, high=100)
    act = al.Param("finish")
    seconds = al.Param(0.0)

    def on_bar(self):
        self.close()
'''


class TestIdentities(IdentityProvider):
    """Knows users by a header ``X-User: name:role``."""

    __test__ = False

    def get_user(self, handler):
        name, _, role = handler.request.headers.get("X-User", "").partition(":")
        return RoleUser(name, roles=(role,)) if name else None

    def is_token_authenticated(self, handler):
        return True


@pytest.fixture
def workspace(tmp_path):
    folder = tmp_path / "work space"
    folder.mkdir()
    return folder


@pytest.fixture
def data_dir(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def jp_nbconvert_templates(jp_data_dir):
    """Jupyter's templates of notebooks in other formats, without a copy of them all for each test."""
    found = [path for path in jupyter_path("nbconvert", "templates") if Path(path).is_dir()]
    (jp_data_dir / "nbconvert").mkdir()
    (jp_data_dir / "nbconvert" / "templates").symlink_to(found[0])


@pytest.fixture
def identities():
    """Override to ask for ``TestIdentities``."""
    return


@pytest.fixture
def settings():
    """Override to set traits of the extension."""
    return {}


@pytest.fixture
def from_nothing():
    """Override with True for a server that makes its database itself."""
    return False


@pytest.fixture
def worker_argv():
    """The small worker of these tests; override with None for the engine's."""
    return (sys.executable, "-P", "-c", Path(__file__).with_name("protocol_worker.py").read_text())


@pytest.fixture(autouse=True)
def _jobs_have_a_whole_share(monkeypatch):
    """A job's group gets a tenth of a busy machine, and the tests beside keep this one busy: they would wait for it.

    What shares there are is asserted in tests/kernel/test_sandbox_priority.py, what a job is given in test_pool.py.
    """
    share = Group.share
    monkeypatch.setattr(Group, "share", lambda group, priority: share(group, NORMAL))


@pytest.fixture(autouse=True)
def worker(monkeypatch, worker_argv):
    monkeypatch.setattr(AlphintraServer, "worker_argv", worker_argv)


@pytest.fixture
def jp_server_config(workspace, data_dir, identities, settings, from_nothing, worker):
    if not from_nothing and "database_url" not in settings:
        databases.put(data_dir / "alphintra.sqlite")
    config = {
        "ServerApp": {"jpserver_extensions": {"alphintra_server": True}, "root_dir": str(workspace)},
        "AlphintraServer": {
            "data_dir": str(data_dir),
            "workspace": str(workspace),
            "allow_unsandboxed_jobs": True,
            "pool_size": 0,
            **settings,
        },
    }
    if identities is not None:
        config["ServerApp"]["identity_provider_class"] = identities
        config["AlphintraServer"]["single_user"] = False
    return config


@pytest.fixture
def extension(jp_serverapp):
    (app,) = jp_serverapp.extension_manager.extension_apps["alphintra_server"]
    return app


@pytest.fixture
def services(extension, jp_asyncio_loop):
    """The services, started as Jupyter starts them."""
    jp_asyncio_loop.run_until_complete(extension._start_jupyter_server_extension(extension.serverapp))
    return extension.services


@pytest.fixture
def opened(services, jp_asyncio_loop):
    """Open doors; they end with the test."""
    made = []

    async def make(user="alice", tenant="kernel", subject="k1", **more):
        door = await opener().open(user_id=user, tenant=tenant, subject=subject, **more)
        made.append(door)
        return door

    yield make
    for door in made:
        jp_asyncio_loop.run_until_complete(opener().close(door))


@pytest.fixture
def api(services, jp_fetch):
    """Ask the API: ``await api("GET", "/api/datasets")`` gives status, headers and JSON."""

    async def ask(method, path, body=None, *, user=None, headers=None, params=None, raw=None):
        headers = dict(headers or {})
        if user is not None:
            headers["X-User"] = user
        data = raw if raw is not None else (None if body is None else json.dumps(body))
        try:
            response = await jp_fetch(
                *path.strip("/").split("/"),
                method=method,
                body=data,
                headers=headers,
                params=params,
                allow_nonstandard_methods=True,
                request_timeout=120,  # an answer may need a process that has to be started
            )
        except HTTPClientError as error:
            if error.response is None:
                raise
            response = error.response
        kind = response.headers.get("Content-Type", "")
        content = json.loads(response.body) if "json" in kind and response.body else response.body
        return SimpleNamespace(status=response.code, headers=response.headers, json=content, kind=kind)

    return ask


@pytest.fixture
def make_strategy(api):
    async def make(code=STRATEGY, **body):
        reply = await api("POST", "/api/strategies/code/create", {"name": "SMA", "code": code, **body})
        assert reply.status == 201, reply.json
        return reply.json

    return make


@pytest.fixture
def finished(api):
    """Wait until a backtest has ended."""

    async def wait(backtest_id, *, user=None, seconds=180):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            reply = await api("GET", f"/api/backtests/{backtest_id}", user=user)
            if reply.json["status"] in {"COMPLETED", "FAILED", "CANCELLED"}:
                return reply.json
            await asyncio.sleep(0.2)  # each question costs this process 10 ms
        raise AssertionError(f"still {reply.json['status']}/{reply.json['phase']} after {seconds} s")

    return wait


@pytest.fixture
def execute(api, make_strategy):
    """Run a strategy whose worker does ``act``; gives the answer of execute."""

    async def run(act="finish", **body):
        strategy = await make_strategy()
        parameters = {"act": act} | body.pop("parameters", {})
        reply = await api(
            "POST",
            f"/api/strategies/code/{strategy['id']}/execute",
            {"dataset_id": "us-equities-daily/AAPL", "parameters": parameters, **body},
        )
        assert reply.status == 202, reply.json
        return reply

    return run


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    """A database of each kind with its tables and the catalogue, without jobs."""
    file = f"sqlite:///{tmp_path / 'a b?#.sqlite'}"
    on_postgresql = request.param == "postgresql"
    made = databases.migrated(request.getfixturevalue("migrated_postgres_url") if on_postgresql else file)
    yield made
    made.close()
