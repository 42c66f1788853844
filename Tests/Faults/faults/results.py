# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""RESULTS.md: what a run has seen."""

from __future__ import annotations

import datetime
import itertools
import os
import platform
import re
import shlex
import subprocess
from pathlib import Path

from .case import ALWAYS
from .runner import Results

HERE = Path(__file__).resolve().parents[1]
ROOT = HERE.parents[1]


def version(program: Path) -> str:
    done = subprocess.run([program, "--version"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def head(folder: Path, words: list[str]) -> list[str]:
    described = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    system = re.search(r'PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text())
    return [
        "# Faults",
        "",
        "What was done to the release programs, what held, and for how long visitors were not served: from the fault's "
        "end to the first visitor who got every byte, or from its begin where service has to go on. "
        "[contributing.md](../../docs/contributing.md#faults) says how a case is made. What the daemon decides in very many "
        "more orders of such events is [simulated](../SimulationTests/RESULTS.md).",
        "",
        f"- Date: {datetime.date.today()}; commit {described.stdout.strip() or 'unknown'}; "
        f"rstreamd {version(folder / 'rstreamd').removeprefix('rstreamd ')}",
        f"- Machine: {os.cpu_count()} processors, Linux {platform.release()}, {system[1] if system else 'unknown'}, "
        f"Python {platform.python_version()}",
        f"- Command: `{shlex.join(['Tests/Faults/run', *words])}`",
        "- The daemon's waits between attempts are 0.2 to 2 s (`reconnect`), the engine's liveness timeout is 8 s, "
        "unless a case says otherwise.",
        f"- Wherever a daemon ran to the end of a case: {'; '.join(ALWAYS)}.",
        "",
    ]


def table(results: Results) -> list[str]:
    lines = []
    order = list({case.theme: None for case, _ in results})
    by_theme = sorted(results, key=lambda each: order.index(each[0].theme))
    for theme, group in itertools.groupby(by_theme, lambda each: each[0].theme):
        lines += [f"## {theme}", "", "| Case | What was done | What held | Outage, s |", "|---|---|---|---|"]
        for case, report in group:
            outage = "" if report.outage is None else f"{report.outage:.1f}"
            if report.impossible:
                held = f"not possible here: {report.impossible}"
            else:
                held = "; ".join([*(f"**{sentence}**" for sentence in report.broken), *report.held])
            lines.append(" | ".join(["| " + case.name, cell(report.did or case.promise), cell(held), outage + " |"]))
        lines.append("")
    return lines


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def write(results: Results, folder: Path, words: list[str], summary: str) -> None:
    (HERE / "RESULTS.md").write_text("\n".join([*head(folder, words), *table(results), summary, ""]))
