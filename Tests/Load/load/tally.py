# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""What became of visitors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


class Refused(Exception):
    """The visitor got nothing: no connection, none of its bytes, or an answer that is not the service's."""


class Cut(Exception):
    """The visitor had been served, and not to the end."""

    def __init__(self, reason: str, lost: int = 0):
        super().__init__(reason)
        self.lost = lost


@dataclass
class Tally:
    visitors: int = 0
    completed: Counter[str] = field(default_factory=Counter)
    # By why the first attempt failed; a visitor comes again at once, until it is served.
    refused: Counter[str] = field(default_factory=Counter)
    # From a visitor's first attempt to the one that was served.
    longest_refusal: float = 0
    never_served: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)
    # Streams that had to end, by why.
    excused: Counter[str] = field(default_factory=Counter)
    verified: int = 0
    wrong: int = 0
    lost: int = 0

    @property
    def all_completed(self) -> int:
        return self.completed.total()

    @property
    def all_refused(self) -> int:
        return self.refused.total() + self.never_served.total()

    @property
    def ended(self) -> int:
        """Visitors whose fate is known."""
        return self.all_completed + self.cut.total() + self.excused.total() + self.never_served.total()

    @property
    def is_whole(self) -> bool:
        """Nothing that was accepted is missing."""
        return not (self.cut or self.wrong or self.lost)

    def reasons(self) -> str:
        """One line of everything that went wrong."""
        found = [
            f"{count} {word} ({reason})"
            for word, counter in (("refused", self.refused), ("never served", self.never_served), ("cut", self.cut))
            for reason, count in counter.most_common()
        ]
        return "; ".join(found)
