# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""The rows of a run: what visitors noticed."""

from __future__ import annotations

from load.claims import Report as Claims
from load.tally import Tally

COLUMNS = (
    "", "Rounds", "Visitors", "Refused", "Longest refusal", "Accepted streams cut", "MiB verified", "Bytes lost",
)  # fmt: skip


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms" if seconds else "–"


class Report(Claims):
    def __init__(self):
        super().__init__(COLUMNS)

    def load(self, name: str, rounds: int, tally: Tally, note: str = "") -> None:
        """`note` says which streams had to end."""
        excused = tally.excused.total()
        self.row(
            name, f"{rounds}", f"{tally.visitors:,}", f"{tally.all_refused:,}", milliseconds(tally.longest_refusal),
            f"{tally.cut.total():,}" + (f", and {excused:,} {note}" if note else ""), f"{tally.verified / 2**20:,.0f}",
            f"{tally.lost + tally.wrong:,}",
        )  # fmt: skip
        if reasons := tally.reasons():
            self.line(f"{name}: {reasons}.")
