"""``al.ta``: TA-Lib's functions by name, known to editors through a stub that is up to date."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import alphintra as al
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]


def test_stub_is_what_the_installed_library_has():
    spec = importlib.util.spec_from_file_location("build_ta_stub", ROOT / "scripts" / "build_ta_stub.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.TARGET.read_text() == module.stub()


def test_functions_compute():
    assert np.allclose(al.ta.SMA(np.array([1.0, 2.0, 3.0, 4.0]), 2)[1:], [1.5, 2.5, 3.5])
    assert "RSI" in dir(al.ta)


def test_unknown_indicator_names_the_nearest():
    with pytest.raises(AttributeError, match="'SMMA'; did you mean SMA"):
        _ = al.ta.SMMA


def test_completion_knows_the_sdk():
    jedi = pytest.importorskip("jedi")
    code = "import alphintra as al\nal.ta.SM\nclass S(al.Strategy):\n"
    code += "    def on_bar(self):\n        self.order_t\nal.cross"
    script = jedi.Script(code)
    assert "SMA" in [c.name for c in script.complete(2, 8)]
    assert "order_target_percent" in [c.name for c in script.complete(5, 20)]
    assert [c.name for c in script.complete(6, 8)] == ["crossed_above", "crossed_below"]
