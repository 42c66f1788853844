# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""What rstreamd is to cost at most, and whether this run met it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .agents import Rstreamd
from .proxies import HAProxy, Limit
from .table import Sheet, digits

OURS, C = Rstreamd.name, Limit.name


@dataclass(frozen=True)
class Goal:
    what: str
    most: float
    measured: float
    unit: str = ""

    def row(self) -> str:
        verdict = "met" if self.measured <= self.most else "**missed**"
        return f"| {self.what} | {digits(self.most)}{self.unit} | {digits(self.measured)}{self.unit} | {verdict} |"


def markdown(sheets: dict[str, list[Sheet]]) -> str:
    """Empty where nothing was measured that has a goal."""
    rows = [goal.row() for name, find in FINDERS.items() for sheet in sheets.get(name, []) for goal in find(sheet)]
    if not rows:
        return ""
    lines = ["### Goals", "", "Medians of the tables below.", "", "| rstreamd | at most | measured | |", "|---|---|---|---|"]
    return "\n".join([*lines, *rows]) + "\n"


def ratio(sheet: Sheet, column: str, other: str) -> float | None:
    ours, theirs = sheet.median(OURS, column), sheet.median(other, column)
    return ours / theirs if ours is not None and theirs else None


def compared(sheet: Sheet, what: str, column: str, other: str, most: float) -> Iterator[Goal]:
    if (measured := ratio(sheet, column, other)) is not None:
        yield Goal(f"{what}: rstreamd ÷ {other}", most, measured)


def bulk(sheet: Sheet) -> Iterator[Goal]:
    if sheet.unit == "CPU-s per GiB" and sheet.title == "Many bytes":
        for column in sheet.columns:
            yield from compared(sheet, f"CPU per GiB, {column}", column, C, 1.1)


def streams(sheet: Sheet) -> Iterator[Goal]:
    for other, most in ((HAProxy.name, 0.65), (C, 1.4)):
        yield from compared(sheet, f"CPU per new stream, {sheet.title.partition(', ')[2]}", sheet.columns[0], other, most)


def ping(sheet: Sheet) -> Iterator[Goal]:
    yield from compared(sheet, "one byte there and back, median", sheet.columns[0], C, 1.15)


def first(sheet: Sheet) -> Iterator[Goal]:
    for column, most in (("50 ms, warm", 106), ("50 ms, cold", 206)):
        if (measured := sheet.median(OURS, column)) is not None:
            yield Goal(f"first byte, {column}", most, measured, " ms")


def memory(sheet: Sheet) -> Iterator[Goal]:
    resident, idle, fresh, *bursts = sheet.columns[:5]
    if (measured := sheet.median(OURS, resident)) is not None:
        yield Goal(f"idle, resident, before {fresh}", 16, measured, " MiB")
    count = int(fresh.split()[0].replace(",", ""))
    for column, most in ((fresh, 32), *((burst, 40) for burst in bursts)):
        with_streams, without = sheet.median(OURS, column), sheet.median(OURS, idle)
        if with_streams is not None and without is not None:
            yield Goal(f"an idle stream of {count:,}, {column}", most, (with_streams - without) * 1024 / count, " KiB")


FINDERS = {"bulk": bulk, "streams": streams, "ping": ping, "first": first, "memory": memory}
