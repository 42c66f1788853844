# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Waiting for a state, with a deadline."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable

from benchmark.stage import Failure

PATIENCE = 60
LOOK = 0.01


async def until(what: str, is_met: Callable, patience: float = PATIENCE):
    """The first true answer. One that cannot be had yet is none."""
    deadline, last = time.monotonic() + patience, ""
    while True:
        try:
            found = is_met()
            if inspect.isawaitable(found):
                found = await found
            if found:
                return found
        except (OSError, ValueError, KeyError, EOFError) as error:
            last = f": {error}"
        if time.monotonic() >= deadline:
            raise Failure(f"{what} did not come within {patience:.0f} s{last}")
        await asyncio.sleep(LOOK)
