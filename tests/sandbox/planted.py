"""Files that a notebook leaves in its workspace in the hope that something outside of the sandbox runs them."""

from __future__ import annotations

import json
import stat
from pathlib import Path


def python(marker: Path) -> str:
    """Leave a mark where a sandbox cannot, and go on as if nothing were."""
    return f"try:\n    open({str(marker)!r}, 'a').close()\nexcept OSError:\n    pass\n"


def shell(marker: Path, inside: Path) -> str:
    """The same for a program; inside the sandbox it leaves another mark, so that its run can be seen."""
    return f'#!/bin/sh\ntouch {inside}\ntouch {marker} 2>/dev/null\nexec /usr/bin/env python3 "$@"\n'


def plant(workspace: Path, markers: Path) -> None:
    """Plant everything: modules with well-known names, configuration, hooks, kernels, language servers."""
    for name in (
        *("sitecustomize", "usercustomize", "tornado", "traitlets", "jupyter_server", "jupyterlab", "pylsp", "jedi"),
        *("alphintra", "alphintra_server", "alphintra_kernel", "conftest"),
        *("jupyter_config", "jupyter_server_config", "jupyter_lab_config"),
    ):
        (workspace / f"{name}.py").write_text(python(markers / f"{name}.py"))
    texts = {
        ".ipython/profile_default/startup/00-first.py": python(markers / "ipython-startup"),
        ".ipython/profile_default/ipython_kernel_config.py": python(markers / "ipython-config"),
        ".jupyter/jupyter_server_config.py": python(markers / "jupyter-config"),
        "setup.cfg": "[pylsp]\n[pycodestyle]\nmax-line-length = 1\n[pylint]\ninit-hook = "
        f"open({str(markers / 'setup.cfg')!r}, 'a')\n",
        "pylintrc": f"[MAIN]\ninit-hook=open({str(markers / 'pylintrc')!r}, 'a')\nload-plugins=sitecustomize\n",
        ".pylintrc": f"[MAIN]\ninit-hook=open({str(markers / 'pylintrc')!r}, 'a')\n",
        "pyproject.toml": f'[tool.pylint.main]\ninit-hook = "open({str(markers / "pyproject")!r}, \'a\')"\n',
        "mypy.ini": "[mypy]\nplugins = sitecustomize\n",
        "node_modules/pyright/package.json": "{}",
    }
    script = f"require('fs').writeFileSync({json.dumps(str(markers / 'node'))}, '')\n"
    for server in (
        "pyright/langserver.index.js",
        "bash-language-server/bin/main.js",
        "yaml-language-server/bin/yaml-language-server",
    ):
        texts[f"node_modules/{server}"] = script
    spec = {"argv": ["/bin/sh", "-c", f"touch {markers / 'kernel'}"], "display_name": "Evil", "language": "python"}
    for place in ("kernels/evil", "share/jupyter/kernels/evil", ".local/share/jupyter/kernels/evil"):
        texts[f"{place}/kernel.json"] = json.dumps(spec)
    for path, text in texts.items():
        target = workspace / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    programs = {
        ".git/hooks/post-checkout": markers / "git-hook",
        ".git/hooks/pre-commit": markers / "git-hook",
        "environment/bin/python": markers / "jedi-environment",
        "environment/bin/python3": markers / "jedi-environment",
        ".venv/bin/python": markers / "jedi-venv",
        "bin/python": markers / "bin-python",
    }
    for path, marker in programs.items():
        target = workspace / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(shell(marker, workspace / "ran-inside"))
        target.chmod(target.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
