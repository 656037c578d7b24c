"""Completion and linting in the sandbox: a language server runs code of the workspace's choosing.

It asks Python environments what they contain, loads plugins and reads settings that name programs. So it sees the
workspace read-only, has no network and takes no settings from there.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from alphintra_kernel import levels, workspace_rules
from alphintra_kernel.limits import Limits
from alphintra_kernel.profile import Mount
from alphintra_kernel.sandbox import Sandbox

_SERVE = "--serve"
#: Settings of linters: some of them name code that is run.
SETTINGS = (
    *("setup.cfg", "tox.ini", ".flake8", "pycodestyle.cfg", ".pycodestyle", "pylintrc", ".pylintrc", "pylintrc.toml"),
    *("pyproject.toml", "mypy.ini", ".mypy.ini", "ruff.toml", ".ruff.toml"),
)
LIMITS = Limits(wall_seconds=float("inf"), cpu_seconds=None, processes=256, output_bytes=1 << 60)


def command(workspace: Path) -> list[str]:
    """Return the command line of the language server for ``jupyter_lsp``.

    Args:
        workspace: The trader's folder. It is not shown to the language server if it may not be a workspace.
    """
    return [sys.executable, "-P", "-m", "alphintra_kernel.language_server", str(workspace)]


def main(arguments: list[str]) -> int:
    """Run the language server on standard input and output until either ends.

    Args:
        arguments: The workspace.

    Returns:
        The exit code.
    """
    if arguments[0] == _SERVE:
        for number, fd in enumerate(map(int, arguments[1:])):
            os.dup2(fd, number)
            os.close(fd)
        _serve()
        return 0
    found = levels.probe_report()
    if found.level not in levels.OWN_FILES:
        _serve()
        return 0
    return _in_sandbox(Path(arguments[0]))


def _in_sandbox(workspace: Path) -> int:
    folder = workspace.resolve()
    mounts: list[Mount] = []
    with tempfile.NamedTemporaryFile(prefix="alphintra-") as empty:
        Path(empty.name).chmod(0o444)
        if workspace_rules.refusal(folder) is None and folder.is_dir():
            mounts.append(Mount(folder, str(folder)))
            hidden = [folder / name for name in SETTINGS if (folder / name).is_file()]
            mounts += [Mount(Path(empty.name), str(path)) for path in hidden if not path.is_symlink()]
        owner = folder.stat().st_uid if mounts else 0
        # Standard input and output under other numbers, as the sandbox gives its own 0 and 1.
        ends = [os.dup(0), os.dup(1)]
        process = Sandbox(levels.probe()).spawn(
            [sys.executable, "-P", "-m", "alphintra_kernel.language_server", _SERVE, *map(str, ends)],
            mounts=mounts,
            limits=LIMITS,
            fds=ends,
            env={"PYTHONUNBUFFERED": "1"},
            user_id=owner if os.geteuid() == 0 and owner else None,
        )
        for fd in ends:
            os.close(fd)
        signal.signal(signal.SIGTERM, lambda *_: process.kill())
        code = process.wait()
    if code and process.outcome != "killed":
        sys.stderr.write(f"the language server ended with {code}: {process.stderr_tail()[-2000:]!r}\n")
    return code


def _serve() -> None:
    """Be ``pylsp``, deaf to ``setup.cfg``, ``tox.ini`` and their like."""
    from pylsp.config import config

    class Settings(config.Config):
        """Settings that come from the editor alone."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._config_sources: dict[str, Any] = {}

    setattr(config, "Config", Settings)  # noqa: B010  a class is not assigned to by name
    from pylsp.__main__ import main as serve

    sys.argv[1:] = []
    serve()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
