# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Samples, and the Markdown that is made of them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Sheet:
    """One table: a row for each relay, a column for each quantity, samples in each cell."""

    title: str
    unit: str
    columns: list[str]
    # The row that others are compared with, if there is one.
    base: str | None = "rstreamd"
    text: str = ""
    cells: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    # Why a row has nothing, or ends early.
    notes: dict[str, str] = field(default_factory=dict)

    def add(self, row: str, column: str, sample: float) -> None:
        self.cells.setdefault(row, {}).setdefault(column, []).append(sample)

    def samples(self, row: str, column: str) -> list[float]:
        return self.cells.get(row, {}).get(column, [])

    def median(self, row: str, column: str) -> float | None:
        samples = self.samples(row, column)
        return statistics.median(samples) if samples else None

    def markdown(self, rows: Iterable[str]) -> str:
        there = {**self.cells, **self.notes}
        known = [row for row in rows if row in there]
        known += [row for row in there if row not in known]
        lines = [f"### {self.title}", ""]
        if self.text:
            lines += [self.text, ""]
        lines += [f"| {self.unit} | " + " | ".join(self.columns) + " |", "|---" * (len(self.columns) + 1) + "|"]
        for row in known:
            cells = [self.cell(row, column) for column in self.columns]
            if row in self.notes:
                cells = [cell or "–" for cell in cells]
                cells[-1] += f" *{self.notes[row]}*"
            lines.append(f"| {f'**{row}**' if row == self.base else row} | " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"

    def cell(self, row: str, column: str) -> str:
        samples = self.samples(row, column)
        if not samples:
            return ""
        middle, low, high = statistics.median(samples), min(samples), max(samples)
        text = digits(middle) if len(samples) == 1 else f"{digits(middle)} ({digits(low)}–{digits(high)})"
        base = self.median(self.base, column) if self.base else None
        if base and row != self.base:
            text += f" ×{middle / base:.2f}"
        return text


def digits(number: float) -> str:
    """Three that count."""
    if abs(number) >= 100:
        return f"{number:,.0f}"
    if abs(number) >= 10:
        return f"{number:.1f}"
    return f"{number:.2f}" if abs(number) >= 1 else f"{number:.3f}"
