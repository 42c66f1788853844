# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""A line chart as SVG, readable on light and dark pages."""

from __future__ import annotations

import math
from html import escape

WIDTH, HEIGHT = 860, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 210, 58, 56
# The first, thicker line is ours.
COLOURS = ("#0969da", "#8250df", "#bf3989", "#cf222e", "#bc4c00", "#9a6700", "#1a7f37", "#57606a", "#8c959f", "#b0b7bf")
STYLE = """
    text { font: 13px ui-sans-serif, system-ui, sans-serif; fill: #1f2328; }
    .title { font-size: 15px; font-weight: 600; } .small { font-size: 12px; fill: #57606a; }
    .grid { stroke: #d0d7de; stroke-width: 1; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; } .small { fill: #9198a1; } .grid { stroke: #3d444d; }
    }
"""

Series = dict[str, list[tuple[float, float]]]


def steps(highest: float) -> list[float]:
    """Round numbers from 0 to at least the highest value."""
    size = 10 ** math.floor(math.log10(highest / 4 or 1))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor * 5 >= highest)
    return [step * number for number in range(math.ceil(highest / step) + 1)]


def line_chart(title: str, across: str, up: str, series: Series, highest: float | None = None) -> str:
    """The positions across are the values that were measured, at equal distances. A line that leaves the chart at the
    top, above `highest`, says in the legend how high it goes."""
    series = {name: points for name, points in series.items() if points}
    places = sorted({x for points in series.values() for x, _ in points})
    top = max(y for points in series.values() for _, y in points)
    top = min(top, highest) if highest else top
    marks = steps(top)
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x_of(value: float) -> float:
        return LEFT + inner_width * places.index(value) / max(1, len(places) - 1)

    def y_of(value: float) -> float:
        return TOP + inner_height * (1 - min(value, marks[-1] * 1.04) / marks[-1])

    middle = LEFT + inner_width / 2
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img">',
        f"  <title>{escape(title)}</title>",
        f"  <style>{STYLE}  </style>",
        f'  <text class="title" x="{LEFT}" y="22">{escape(title)}</text>',
        f'  <text class="small" x="{LEFT}" y="39">{escape(up)}</text>',
        f'  <text class="small" x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">{escape(across)}</text>',
    ]
    for mark in marks:
        y = y_of(mark)
        lines.append(f'  <path class="grid" d="M{LEFT} {y:.1f}H{LEFT + inner_width}"/>')
        lines.append(f'  <text class="small" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{mark:g}</text>')
    for place in places:
        x, y = x_of(place), HEIGHT - BOTTOM + 18
        lines.append(f'  <text class="small" x="{x:.1f}" y="{y}" text-anchor="middle">{place:,g}</text>')
    for number, (name, points) in enumerate(series.items()):
        colour, width = COLOURS[number % len(COLOURS)], 3.5 if number == 0 else 1.6
        path = "L".join(f"{x_of(x):.1f} {y_of(y):.1f}" for x, y in sorted(points))
        lines.append(f'  <path d="M{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
        lines += [f'  <circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3" fill="{colour}"/>' for x, y in points]
        peak = max(y for _, y in points)
        beyond = f" (up to {peak:.3g})" if peak > marks[-1] else ""
        x, y = LEFT + inner_width + 24, TOP + 10 + 22 * number
        lines.append(f'  <path d="M{x} {y}h22" stroke="{colour}" stroke-width="{width}"/>')
        lines.append(f'  <text x="{x + 30}" y="{y + 4}">{escape(name + beyond)}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"
