"""The plot: how fast each way is, and where the CPU time of an entry goes. SVG, written by hand.

Its colours, that of the text too, stand out from white as much as from black: where it is shown is not known here.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

_WIDTH = 760  # all sizes in px
_LEFT = 130  # where bars begin, behind the names
_ROOM = 90  # for the numbers, behind the bars
_ROW = 28
_THICK = 18

_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #747d88 }
.title { font-size: 15px; font-weight: 600 }
.a { fill: #3b82f6 } .b { fill: #e8833a } .c { fill: #8a94a3 }
"""


class Row(NamedTuple):
    """A bar: its name, the lengths of its parts, and the number behind it."""

    name: str
    parts: Sequence[float]
    label: str


class Panel(NamedTuple):
    """Bars of one unit; `legend` names their parts where they have several."""

    title: str
    unit: str
    rows: Sequence[Row]
    legend: Sequence[str] = ()


def svg(title: str, panels: Sequence[Panel]) -> str:
    """The panels, one below the other."""
    body: list[str] = []
    top = 10
    for panel in panels:
        drawn, height = _panel(panel, top)
        body += drawn
        top += height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{top}" viewBox="0 0 {_WIDTH} {top}"'
        f' role="img">\n<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _panel(panel: Panel, top: int) -> tuple[list[str], int]:
    scale = (_WIDTH - _LEFT - _ROOM) / max((sum(row.parts) for row in panel.rows), default=1)
    drawn = [
        f'<text x="10" y="{top + 18}"><tspan class="title">{escape(panel.title)}</tspan>'
        f'<tspan dx="10">{escape(panel.unit)}</tspan></text>'
    ]
    at = top + 32
    if panel.legend:
        drawn += _legend(panel.legend, at)
        at += _ROW
    for row in panel.rows:
        drawn.append(f'<text x="{_LEFT - 10}" y="{at + 14}" text-anchor="end">{escape(row.name)}</text>')
        left = float(_LEFT)
        for colour, part in zip("abc", row.parts, strict=False):
            width = part * scale
            drawn.append(f'<rect class="{colour}" x="{left:.1f}" y="{at}" width="{width:.1f}" height="{_THICK}"/>')
            left += width
        drawn.append(f'<text x="{left + 8:.1f}" y="{at + 14}">{escape(row.label)}</text>')
        at += _ROW
    return drawn, at + 16 - top


def _legend(names: Sequence[str], top: int) -> Iterator[str]:
    left = _LEFT
    for colour, name in zip("abc", names, strict=False):
        yield f'<rect class="{colour}" x="{left}" y="{top + 3}" width="12" height="12"/>'
        yield f'<text x="{left + 18}" y="{top + 14}">{escape(name)}</text>'
        left += 40 + 8 * len(name)
