# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""The same load through HAProxy. Nothing is claimed about it."""

from __future__ import annotations

import shutil
import time

from benchmark.stage import Stage
from load.crowd import Crowd
from load.programs import Upstream

from .haproxy import HAProxy
from .report import Report, milliseconds

VISITORS = 50


async def measure(stage: Stage, rounds: int, report: Report) -> None:
    if not shutil.which("haproxy"):
        report.line("HAProxy is not installed.")
        return
    upstream = Upstream(stage)
    relay = HAProxy(stage, upstream)
    await relay.start()
    crowd, durations = Crowd(relay.endpoints(), [upstream]), []
    async with crowd:
        for _ in range(rounds):
            began = time.monotonic()
            await relay.reload()
            durations.append(time.monotonic() - began)
            await crowd.wait_until_moved()
            await crowd.wait_for_visitors(VISITORS)
    report.load("HAProxy: reloads", rounds, crowd.tally)
    report.line(f"A reload of HAProxy took {milliseconds(min(durations))} to {milliseconds(max(durations))}.")
    crowd = Crowd(relay.endpoints(), [upstream])
    relay.write("nonsense")
    refused = 0
    async with crowd:
        for _ in range(rounds):
            refused += not await relay.reload()
            await crowd.wait_until_moved()
            await crowd.wait_for_visitors(VISITORS)
    report.load("HAProxy: a mistake in the configuration", rounds, crowd.tally)
    if refused != rounds:
        report.line(f"HAProxy took {rounds - refused} of {rounds} configurations with a mistake.")
