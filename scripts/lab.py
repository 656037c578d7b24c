"""Open JupyterLab on ``workspace/`` with everything of this clone: arguments go to ``jupyter lab``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def command(arguments: list[str]) -> list[str]:
    """The ``jupyter lab`` command line of this clone."""
    from alphintra_kernel.levels import jobs_allowed, probe

    argv = [
        sys.executable, "-P", "-m", "jupyterlab",
        f"--ServerApp.root_dir={ROOT / 'workspace'}",
        f"--AlphintraServer.data_dir={ROOT / '.alphintra'}",
        "--LabApp.extension_manager=readonly",
    ]  # fmt: skip
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        argv.append("--allow-root")
    if not jobs_allowed(probe(), False):
        print(
            "This machine cannot sandbox jobs (no user namespaces): they run with your own rights.", file=sys.stderr
        )
        argv.append("--AlphintraServer.allow_unsandboxed_jobs=True")
    return [*argv, *arguments]


def main() -> None:
    """Replace this process by JupyterLab."""
    (ROOT / "workspace").mkdir(exist_ok=True)
    argv = command(sys.argv[1:])
    os.environ.setdefault("ALPHINTRA_DATA_DIR", str(ROOT / ".alphintra"))
    # The language server keeps shadow copies of what is edited; they do not belong among the trader's files.
    os.environ.setdefault("JP_LSP_VIRTUAL_DIR", str(ROOT / ".alphintra" / "lsp"))
    # Not in the workspace: a module or a file of settings that a notebook left there must not become the server's.
    os.chdir(ROOT)
    os.execv(argv[0], argv)


if __name__ == "__main__":
    main()
