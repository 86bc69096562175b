"""Draws the pictures of the docs from their texts: `python3 docs/pictures/draw.py` writes NAME.svg beside each NAME.txt.

A text has a line for each thing: `size W H`, `box ID X Y W H | title | line…`, `arrow FROM TO [SHIFT] | label`,
`bar X Y W | label`, `note X Y | text`. `local/tests/docs/test_pictures.py` holds the pictures to their texts.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parent
LINE, PAD, LETTER = 16, 10, 7
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img">\n'
    "<title>{title}</title>\n"
    "<style>text{{font:12px sans-serif;fill:#1b1f24;paint-order:stroke;stroke:#fff;stroke-width:3px}}.t{{font-weight:bold}}.l{{fill:#57606a}}"
    ".e{{text-anchor:end}}.b{{fill:#f6f8fa;stroke:#57606a}}.bar{{fill:#2da44e}}.a{{stroke:#0969da;fill:none}}</style>\n"
    '<defs><marker id="p" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
    '<path d="M0,0 L8,4 L0,8 z" fill="#0969da"/></marker></defs>\n'
    '<rect width="{w}" height="{h}" fill="#ffffff"/>\n'
)


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """A line of text."""
    attribute = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{attribute}>{escape(words)}</text>\n'


def edge(box: tuple[float, ...], towards: tuple[float, ...]) -> tuple[float, float]:
    """Where the line from the middle of a box to that of another one leaves it."""
    (x, y, w, h), (u, v) = box, (towards[0] + towards[2] / 2, towards[1] + towards[3] / 2)
    cx, cy = x + w / 2, y + h / 2
    dx, dy = u - cx, v - cy
    scale = min(w / 2 / abs(dx) if dx else 9e9, h / 2 / abs(dy) if dy else 9e9)
    return cx + dx * scale, cy + dy * scale


def beside(x: float, y: float, slope: float, words: str, left: bool) -> str:
    """The label of an arrow: beside its middle, on the side that it does not cross."""
    above = (slope > 0) != left
    y += 0 if slope == 0 else -8 if above else 14
    return text(x - 8, y, words, "e") if left else text(x + 8, y, words)


def draw(source: str) -> str:
    """The picture of a text."""
    boxes: dict[str, tuple[float, ...]] = {}
    body, size, title = "", (0.0, 0.0), source.splitlines()[0].removeprefix("# ")
    for line in source.splitlines():
        if not line or line.startswith("#"):
            continue
        head, *labels = [part.strip() for part in line.split("|")]
        kind, *words = head.split()
        if kind == "size":
            size = (float(words[0]), float(words[1]))
        elif kind == "box":
            x, y, w, h = map(float, words[1:])
            boxes[words[0]] = (x, y, w, h)
            body += f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="6" class="b"/>\n'
            for n, label in enumerate(labels):
                body += text(x + PAD, y + LINE * (n + 1) + 4, label, "l" if n else "t")
        elif kind == "arrow":
            start, end = boxes[words[0]], boxes[words[1]]
            shift = float(words[2]) if len(words) > 2 else 0.0
            (a, b), (c, d) = edge(start, end), edge(end, start)
            a, c = a + shift, c + shift
            body += f'<path d="M{a:.1f},{b:.1f} L{c:.1f},{d:.1f}" class="a" marker-end="url(#p)"/>\n'
            body += beside((a + c) / 2, (b + d) / 2, (c - a) * (d - b), labels[0], left=shift < 0)
        elif kind == "bar":
            x, y, w = map(float, words)
            body += f'<rect x="{x:g}" y="{y - 11:g}" width="{w:g}" height="14" rx="3" class="bar"/>\n'
            fits = x + w + 6 + LETTER * len(labels[0]) < size[0]
            body += text(x + w + 6, y, labels[0]) if fits else text(x - 6, y, labels[0], "e")
        elif kind == "note":
            body += text(float(words[0]), float(words[1]), labels[0], "l")
        else:
            raise ValueError(f"not understood: {line}")
    return HEAD.format(w=f"{size[0]:g}", h=f"{size[1]:g}", title=escape(title)) + body + "</svg>\n"


if __name__ == "__main__":
    for path in sorted(HERE.glob("*.txt")):
        path.with_suffix(".svg").write_text(draw(path.read_text()))
