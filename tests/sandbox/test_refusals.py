"""Each probe in a real job and in a real notebook kernel, and outside, where nothing refuses it."""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

import pytest

from .probe import AS_ROOT, DIFFERS, Probe
from .probes_files import FILES
from .probes_kernel import KERNEL
from .probes_network import NETWORK, SILENT
from .probes_processes import PROCESSES
from .server import Server
from .tenants import Kernel, ask_job, ask_outside

CONTROLLED = (*FILES, *PROCESSES, *KERNEL, *NETWORK)
ALL = (*CONTROLLED, *SILENT)
# The tables name system calls by the numbers of one processor.
pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the probes have the numbers of x86_64")


def _named(probes: tuple[Probe, ...]) -> Callable[..., Any]:
    return pytest.mark.parametrize("probe", [pytest.param(probe, id=probe.name) for probe in probes])


def _of(tenant: str, *, network: bool | None = None) -> tuple[Probe, ...]:
    return tuple(p for p in ALL if tenant in p.tenants and (network is None or p.network == network))


@pytest.fixture(scope="module")
def in_job(server: Server, given: dict[str, Any]) -> dict[str, Any]:
    answers = ask_job(server, _of("job"), given)
    server.check_answers()
    return answers


@pytest.fixture(scope="module")
def in_kernel(kernel: Kernel, given: dict[str, Any]) -> dict[str, Any]:
    answers = kernel.ask(_of("kernel", network=False), given)
    kernel.server.check_answers()
    return answers


@pytest.fixture(scope="module")
def in_locked_kernel(locked_kernel: Kernel, given: dict[str, Any]) -> dict[str, Any]:
    answers = locked_kernel.ask(_of("kernel"), given)
    locked_kernel.server.check_answers()
    return answers


@pytest.fixture(scope="module")
def outside(given_outside: dict[str, Any]) -> dict[str, Any]:
    return ask_outside(CONTROLLED, given_outside)


def test_no_two_probes_have_one_name() -> None:
    assert len({probe.name for probe in ALL}) == len(ALL)


@_named(_of("job"))
def test_in_a_job(probe: Probe, in_job: dict[str, Any]) -> None:
    assert in_job[probe.name] == probe.expected


@_named(_of("kernel", network=False))
def test_in_a_notebook(probe: Probe, in_kernel: dict[str, Any]) -> None:
    assert in_kernel[probe.name] == probe.expected


@_named(_of("kernel"))
def test_in_a_notebook_under_lockdown(probe: Probe, in_locked_kernel: dict[str, Any]) -> None:
    assert in_locked_kernel[probe.name] == probe.expected


@_named(CONTROLLED)
def test_outside_it_can_be_seen(probe: Probe, outside: dict[str, Any]) -> None:
    if probe.privileged and not AS_ROOT:
        pytest.skip("an ordinary user may not do it anyway: root's run has the control")
    if probe.control is not DIFFERS:
        assert outside[probe.name] == probe.control
    elif outside[probe.name] == probe.expected:
        pytest.skip(f"this machine answers {probe.expected} by itself: its kernel has no such thing")
