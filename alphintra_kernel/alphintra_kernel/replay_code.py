"""The browser's side of the replay widget: one module for all replays of a kernel.

A widget's own module travels with each widget, and is kept with each in a saved notebook. So the widgets carry
:data:`LOADER`, a few lines, and the module with the chart library is in one model that they refer to.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import ipywidgets
from traitlets import Unicode

#: Built from ``labextension/src/replay`` by ``jlpm build:replay``.
MODULE = Path(__file__).with_name("assets") / "replay.js"

#: The module of each widget: takes the shared one from its model, once in a page for each text.
LOADER = """\
const load = async (model) => {
  const code = await model.widget_manager.get_model(model.get("_code"));
  const key = Symbol.for("alphintra.replay." + code.get("digest"));
  return (globalThis[key] ??= (async () => {
    const url = URL.createObjectURL(new Blob([code.get("text")], { type: "text/javascript" }));
    try {
      return (await import(url)).default;
    } finally {
      URL.revokeObjectURL(url);
    }
  })().catch((error) => {
    delete globalThis[key];
    throw error;
  }));
};
export default { render: async (context) => (await load(context.model)).render(context) };
"""


class ReplayCode(ipywidgets.Widget):  # type: ignore[misc]
    """The module's text, and a digest that tells it from that of another version in the same page."""

    text = Unicode().tag(sync=True)
    digest = Unicode().tag(sync=True)


_shared: ReplayCode | None = None


def shared() -> ReplayCode:
    """The one model of this kernel; made anew where a trader has closed all widgets.

    Raises:
        RuntimeError: The module has not been built.
    """
    global _shared
    if _shared is None or _shared.comm is None:
        try:
            text = MODULE.read_text("utf-8")
        except FileNotFoundError:
            raise RuntimeError(
                f"the replay's view has not been built: {MODULE} is missing; run `make env` in a checkout"
            ) from None
        _shared = ReplayCode(text=text, digest=hashlib.sha256(text.encode()).hexdigest()[:16])
    return _shared
