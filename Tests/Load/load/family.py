# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Processes without a parent: a daemon that has taken over was started by one that ends before it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def adopt() -> None:
    """Orphans become children of this process, which ends them. It also gets all descriptors that it may have."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def children() -> list[int]:
    found = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            found += map(int, (task / "children").read_text().split())
    return found


def is_gone(pid: int) -> bool:
    """Whether a process has ended, also one that only this process can bury."""
    with contextlib.suppress(ChildProcessError):
        # The status is left for the one that waits for it.
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return True
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    return True


def end_all(patience: float = 5) -> list[int]:
    """Kills what is left of all processes that came of this one, and returns which those were."""
    left = []
    deadline = time.monotonic() + patience
    # What a process leaves comes here only when it has ended.
    while (found := [pid for pid in children() if not is_gone(pid)]) and time.monotonic() < deadline:
        for pid in found:
            if pid not in left:
                left.append(pid)
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        # The first process of a namespace ends only when those in it are buried.
        bury()
        time.sleep(0.01)
    bury()
    return left


def bury() -> None:
    for pid in children():
        with contextlib.suppress(OSError):
            os.waitpid(pid, os.WNOHANG)
