# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Runs cases, each in a process of its own that has a time limit, and removes what they leave behind.

Cases mostly wait, so several run at once; each has its own network.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import programs
from .case import CASES, Case, Report
from .waiting import Broken
from .world import PREFIX, Impossible, World, remove_leftovers

# The processes of cases.
running: set[subprocess.Popen] = set()
# The whole of a case's report, in one line of its standard output.
MARK = "report: "


def run_here(name: str, folder: Path) -> None:
    """In the case's process: runs it and prints its report."""
    case, report = CASES[name], Report()
    programs.folder = folder
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # The runner's way to end it: everything is removed then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(f"ended by its runner; it may take {case.patience:.0f} s"))
    began = time.monotonic()
    try:
        with World(case.shaped) as world:
            try:
                case.body(world, report)
            except BaseException:
                show_logs(world.folder)
                raise
            if report.broken:
                show_logs(world.folder)
    except Impossible as error:
        report.impossible = str(error)
    except Broken as error:
        report.broken.append(str(error))
        traceback.print_exc()
    except SystemExit as error:
        report.broken.append(str(error))
    except Exception as error:
        report.broken.append(repr(error))
        traceback.print_exc()
    report.seconds = time.monotonic() - began
    print(MARK + json.dumps(dataclasses.asdict(report)), flush=True)
    # Threads of the case may still wait for each other.
    os._exit(0)


def show_logs(folder: Path) -> None:
    for path in sorted(folder.glob("*.log"), key=lambda path: int(path.stem)):
        lines = path.read_text(errors="replace").splitlines()[-25:]
        print(f"--- {path.name}", *(line[:600] for line in lines), sep="\n", file=sys.stderr)


def run_apart(program: Path, case: Case, folder: Path) -> tuple[Report, str]:
    """Runs a case in a process of its own; returns its report, and what it printed."""
    words = [sys.executable, str(program), str(folder), "--apart", case.name]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                               start_new_session=True)  # fmt: skip
    running.add(process)
    try:
        said = communicate(process, case.patience)
    finally:
        running.discard(process)
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        remove_leftovers(process.pid)
    *others, last = said.splitlines() or [""]
    if last.startswith(MARK):
        return Report(**json.loads(last.removeprefix(MARK))), "\n".join(others)
    return Report(broken=[f"the case ended without a report: {last}"], seconds=case.patience), said


def communicate(process: subprocess.Popen, patience: float) -> str:
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.communicate(timeout=patience)[0]
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.communicate(timeout=20)[0]
    process.kill()
    return process.communicate()[0]


def sweep() -> None:
    """Removes what cases of a run that was killed have left behind."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    for number in {int(found) for found in re.findall(rf"^{PREFIX}(\d+)-", listed, re.M)}:
        # A run beside this one keeps its own.
        if not Path(f"/proc/{number}").exists():
            remove_leftovers(number)


Results = list[tuple[Case, Report]]


def run(program: Path, cases: Sequence[Case], folder: Path, jobs: int, tell: Callable[[str], None]) -> Results:
    """Runs cases, and tells how each ended as soon as it has."""
    sweep()
    lock = threading.Lock()

    def one(case: Case) -> Report:
        report, said = run_apart(program, case, folder)
        with lock:
            tell(describe(case, report))
            if report.broken:
                tell("\n".join(f"    {line}" for line in said.splitlines()[-120:]))
        return report

    # The longest first, so that none is left over in the end.
    order = sorted(cases, key=lambda case: -case.patience)
    with ThreadPoolExecutor(jobs) as pool:
        try:
            reports = dict(zip((case.name for case in order), pool.map(one, order)))
        except BaseException:
            # This program was told to end, and so are the cases.
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(running):
                process.terminate()
            raise
    with contextlib.suppress(OSError):
        os.rmdir("/etc/netns")
    return [(case, reports[case.name]) for case in cases]


def describe(case: Case, report: Report) -> str:
    if report.impossible:
        return f"not possible here  {case.name}: {report.impossible}"
    outage = "" if report.outage is None else f", outage {report.outage:.1f} s"
    lines = [f"{'failed' if report.broken else 'passed'}  {case.name}, {report.seconds:.0f} s{outage}"]
    return "\n".join([*lines, *(f"    {sentence}" for sentence in report.broken)])
