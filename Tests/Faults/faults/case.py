# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""What a case is, the table of all of them, and the report that a case writes of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .world import World

CASES: dict[str, Case] = {}
# What is judged in every case, and said once for all of them.
RESTARTED = "the daemon was not restarted"
RIGHT = "every byte was right"
DEFECTS = "the log has no defect"
SECRETS = "the log has no secret"
STOPPED = "the daemon stopped in order"
SOON = "the daemon stopped within 15 s"
ALWAYS = (RESTARTED, RIGHT, DEFECTS, SECRETS, STOPPED, SOON)


@dataclass
class Report:
    """`did` and `held` are sentences for RESULTS.md; `broken` says what did not hold, and what was seen instead."""

    did: str = ""
    held: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    # Seconds until the first visitor was served: from the fault's end, or where service had to go on, from its begin.
    outage: float | None = None
    seconds: float = 0.0
    # Why this host does not let the case be tried, or empty.
    impossible: str = ""

    def holds(self, sentence: str, condition: object, seen: object = "") -> None:
        if condition:
            if sentence not in self.held and sentence not in ALWAYS:
                self.held.append(sentence)
        else:
            self.broken.append(f"not so: {sentence}" + (f"; seen: {seen}" if str(seen) else ""))

    def served_after(self, seconds: float, limit: float) -> None:
        """The outage of the case, or the longest of several."""
        self.outage = max(seconds, self.outage or 0.0)
        self.holds(f"a visitor was served within {limit:g} s", seconds <= limit, f"{seconds:.1f} s")


@dataclass(frozen=True)
class Case:
    name: str
    theme: str
    promise: str
    body: Callable[[World, Report], None]
    # Whether it is a part of a quick run.
    quick: bool
    # Seconds that it may take.
    patience: float
    shaped: bool


def case(theme: str, promise: str, *, quick: bool = False, patience: float = 120, shaped: bool = False):
    """Enters a function into the table, under its name. The promise is what must hold."""

    def enter(body: Callable[[World, Report], None]) -> Callable[[World, Report], None]:
        name = body.__name__.replace("_", "-")
        if name in CASES:
            raise ValueError(f"there are two cases {name}")
        CASES[name] = Case(name, theme, promise, body, quick, patience, shaped)
        return body

    return enter
