"""The pictures of the docs are those of their texts."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from xml.etree import ElementTree

import pytest

PICTURES = Path(__file__).resolve().parents[3] / "docs/pictures"
spec = importlib.util.spec_from_file_location("draw", PICTURES / "draw.py")
assert spec and spec.loader
draw = importlib.util.module_from_spec(spec)
spec.loader.exec_module(draw)


@pytest.mark.parametrize("path", sorted(PICTURES.glob("*.txt")), ids=lambda path: path.stem)
def test_a_picture_is_that_of_its_text(path: Path) -> None:
    drawn = draw.draw(path.read_text())
    picture = path.with_suffix(".svg")
    stale = not picture.exists() or picture.read_text() != drawn
    if stale:
        picture.write_text(drawn)
    assert not stale, f"{picture} was stale and has been drawn again: commit it"
    root = ElementTree.fromstring(drawn)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for each in root.iter():
        if "x" in each.attrib:
            assert 0 <= float(each.attrib["x"]) < width and 0 <= float(each.attrib["y"]) <= height, each.attrib


def test_what_is_not_understood_is_refused() -> None:
    with pytest.raises(ValueError, match="not understood"):
        draw.draw("# x\ncircle 1 2\n")
