"""Make the pictures of the docs from what the browser tests saw: cut out, and with few colours so that they stay small.

``python -m pytest ui-tests/test_debug.py && python docs/pictures.py``
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

DOCS = Path(__file__).resolve().parent
SEEN = DOCS.parent / "ui-tests" / "screenshots"
#: Name in the docs → screenshot, and the part of it: left, top, right, bottom.
PICTURES = {
    "debug-condition": ("debug-1-condition-light", (290, 28, 1500, 720)),
    "debug-back": ("debug-3-back-dark", (290, 28, 1500, 720)),
    "debug-variable": ("debug-4-date-light", (290, 28, 1500, 960)),
    "debug-raised": ("debug-5-raised-light", (1215, 28, 1500, 720)),
    "debug-file": ("debug-6-file-light", (290, 28, 1500, 720)),
}
COLOURS = 64


def main() -> None:
    """Write them all."""
    folder = DOCS / "pictures"
    folder.mkdir(exist_ok=True)
    for name, (seen, part) in PICTURES.items():
        with Image.open(SEEN / f"{seen}.png") as shown:
            small = shown.convert("RGB").crop(part).quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(folder / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
