#!/usr/bin/env python3
"""Draws the entries of summary.json that have an aim: bars of what was measured, as parts of the aim.

    bench/chart.py build/bench/summary.json OUTPUT.svg
"""

import html
import json
import sys
from pathlib import Path

WIDTH, ROW, LEFT, AIM_AT, RIGHT = 1040, 22, 400, 620, 700  # RIGHT: where a bar is cut

STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 16px; font-weight: 600 } .group { font-weight: 600 } .note { fill: #57606a }
  .met { fill: #2f81b7 } .missed { fill: #c4681c } .spread { stroke: #24292f; stroke-width: 1.5; opacity: .55 }
  .aim { stroke: #24292f; stroke-width: 1.5; stroke-dasharray: 4 3 } .page { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .note { fill: #9198a1 } .page { fill: #0d1117 } .met { fill: #58a6d6 } .missed { fill: #e0904a }
    .aim, .spread { stroke: #e6edf3 }
  }
"""


class _Row:
    """An entry with an aim, as the chart sees it."""

    def __init__(self, entry):
        aim = entry["aim"]
        self.more = aim["better"] == "more"
        of, self.aim = aim["of"], aim["value"]
        self.value = entry[of]
        self.part = self.value / self.aim
        low, high = {"ratio": entry.get("ratio_quartiles"), "value": entry["quartiles"], "added": None}[of] or (self.value, self.value)
        self.spread = (low / self.aim, high / self.aim)
        self.label = f"{entry['id']} {entry['name']}"
        unit = {"ratio": f"× {entry['other']}", "value": entry["unit"], "added": f"{entry['unit']} more than {entry['other']}"}[of]
        number = f"{self.value:,.0f}" if abs(self.value) >= 1000 else f"{self.value:.3g}"
        self.text = f"{number} {unit.replace('us', 'µs', 1) if of == 'added' else unit} (aim {self.aim:g})"
        self.met = self.part >= 1 if self.more else self.part <= 1


def _x(part):
    return min(LEFT + part * (AIM_AT - LEFT), RIGHT)


def _text(x, y, words, name="", anchor="start"):
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{name}" text-anchor="{anchor}">{html.escape(words)}</text>'


def _draw_row(row, y):
    cut = LEFT + row.part * (AIM_AT - LEFT) > RIGHT
    low, high = (_x(max(part, 0)) for part in row.spread)
    middle = y + ROW / 2 - 2
    label = row.label if len(row.label) <= 62 else row.label[:61] + "…"
    yield _text(LEFT - 8, middle + 4, label, anchor="end")
    yield f'<rect x="{LEFT}" y="{y}" width="{max(_x(row.part) - LEFT, 1):.1f}" height="{ROW - 6}" rx="2" class="{"met" if row.met else "missed"}"/>'
    if high > low + 1 and not cut:
        yield f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{middle - 1}" y2="{middle - 1}" class="spread"/>'
    if cut:
        yield _text(RIGHT - 4, middle + 4, "»", anchor="end")
    yield _text(RIGHT + 8, middle + 4, row.text)


def draw(summary):
    """The chart as SVG, readable on light and on dark pages."""
    rows = [_Row(entry) for entry in summary["metrics"] if "aim" in entry]
    groups = [("More is better: the bar should reach the line", [row for row in rows if row.more]),
              ("Less is better: the bar should end before the line", [row for row in rows if not row.more])]
    parts, y = [], 52
    for title, members in groups:
        if not members:
            continue
        top = y + ROW
        parts.append(_text(LEFT, y + 12, title, "group"))
        for index, row in enumerate(members):
            parts += _draw_row(row, top + index * ROW)
        y = top + len(members) * ROW
        parts.append(f'<line x1="{AIM_AT}" x2="{AIM_AT}" y1="{top - 4}" y2="{y}" class="aim"/>')
        y += 14
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 6}" width="{WIDTH}" height="{y + 6}" role="img">',
            f"<title>Cygnet's benchmarks as parts of their aims</title><style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{y + 6}" class="page"/>',
            _text(16, 24, "What make bench measured, as parts of the aims", "title"),
            _text(16, 42, f"Medians of pairs in one run, quartiles as a thin line; {summary['machine']}. Blue: aim met.", "note")]
    return "\n".join([*head, *parts, "</svg>"]) + "\n"


def write(summary, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(draw(summary))


if __name__ == "__main__":
    write(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
