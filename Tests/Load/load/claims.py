# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""What is claimed about a run, and whether it holds; and a Markdown table of what was measured."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from .tally import Tally


class Report:
    def __init__(self, columns: Sequence[str]):
        self.began, self.columns = time.monotonic(), columns
        self.rows: list[list[str]] = []
        self.lines: list[str] = []
        self.passed = self.failed = 0

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self.began:5.0f} s] {text}", file=sys.stderr, flush=True)

    def row(self, *cells: str) -> None:
        self.rows.append(list(cells))
        self.say(f"{cells[0]}: " + ", ".join(f"{name} {cell}" for name, cell in zip(self.columns[1:], cells[1:])))

    def line(self, text: str) -> None:
        """What a row does not say."""
        self.lines.append(text)
        self.say(text)

    def claim(self, text: str, holds: bool, found: object = "") -> None:
        self.passed += holds
        self.failed += not holds
        line = f"{'passed' if holds else 'FAILED'}: {text}" + (f" ({found})" if found != "" else "")
        if holds:
            self.say(line)
        else:
            self.line(line)

    def whole(self, what: str, tally: Tally) -> None:
        self.claim(f"{what}: no byte is lost", not (tally.lost or tally.wrong), tally.lost + tally.wrong)
        self.claim(f"{what}: no accepted stream is cut", not tally.cut, tally.cut.total())
        self.claim(f"{what}: every visitor is served in the end", not tally.never_served, tally.never_served.total())

    def table(self) -> str:
        head = [f"| {' | '.join(self.columns)} |", "|---" + "|--:" * (len(self.columns) - 1) + "|"]
        rows = [f"| {' | '.join(row)} |" for row in self.rows]
        return "\n".join([*head, *rows, "", *(f"- {line}" for line in self.lines)])

    @property
    def verdict(self) -> str:
        return f"{self.passed} passed, {self.failed} failed"
