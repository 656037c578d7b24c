"""A locked server on which everything that lockdown takes away was asked for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tornado.httpclient import HTTPClientError

import alphintra_kernel

from ...kernel.kernels import register

ARGV = ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
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
