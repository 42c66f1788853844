# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Waiting for states, each with a deadline. Nothing here waits for a time to pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 60.0
# How often a state is looked at that is not reported.
LOOK = 0.02
Found = TypeVar("Found")


class Broken(Exception):
    """Something that a case needs did not come about; the sentence goes into the report."""


def until(what: str, met: Callable[[], Found], patience: float = PATIENCE) -> Found:
    """Returns what `met` finds as soon as that is true. An error of a connection or of a missing thing is "not yet"."""
    deadline = time.monotonic() + patience
    last = ""
    while time.monotonic() < deadline:
        try:
            if found := met():
                return found
        except (OSError, LookupError, ValueError) as error:
            last = f" ({error})"
        time.sleep(LOOK)
    raise Broken(f"{what} did not come within {patience:.0f} s{last}")
