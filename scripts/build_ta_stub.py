"""Write ``sdk/alphintra/ta.pyi``: the signatures of TA-Lib's indicators, for completion and type checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "sdk" / "alphintra" / "ta.pyi"


def _inputs(info: dict[str, Any]) -> list[str]:
    names: list[str] = []
    for value in info["input_names"].values():
        names += list(value) if isinstance(value, list | tuple) else [str(value)]
    if len(info["input_names"]) == 1 and len(names) == 1:
        return ["real"]
    return [f"{name}_{n}" if names.count(name) > 1 else name for n, name in enumerate(names)]


def stub() -> str:
    """The text of the stub, functions in alphabetical order."""
    import talib
    from talib import abstract

    lines = [
        '"""TA-Lib\'s indicators; written by scripts/build_ta_stub.py."""',
        "",
        "from typing import Any",
        "",
        "import numpy as np",
        "import numpy.typing as npt",
        "",
        "F64 = npt.NDArray[np.float64]",
        "",
    ]
    for name in sorted(talib.get_functions()):
        info = abstract.Function(name).info
        arguments = [f"{n}: Any" for n in _inputs(info)]
        arguments += [f"{n}: {type(v).__name__} = ..." for n, v in info["parameters"].items()]
        outputs = info["output_names"]
        result = "F64" if len(outputs) == 1 else f"tuple[{', '.join(['F64'] * len(outputs))}]"
        lines.append(f"def {name}({', '.join(arguments)}) -> {result}:")
        lines.append(f'    """{info["display_name"]} ({info["group"]}). Returns {", ".join(outputs)}."""')
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    TARGET.write_text(stub(), encoding="utf-8")
