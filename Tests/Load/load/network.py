# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""This program at one end of a network with delay."""

from __future__ import annotations

import contextlib
import ctypes
import os

from benchmark.stage import Failure

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def inside(namespace: str):
    """New connections of this thread, and programs that it starts without a namespace, are in this one meanwhile."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(f"/run/netns/{namespace}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            enter(there)
        finally:
            os.close(there)
        try:
            yield
        finally:
            enter(before)
    finally:
        os.close(before)


def enter(namespace: int) -> None:
    # `os.setns` came with Python 3.12.
    if libc.setns(namespace, CLONE_NEWNET):
        raise Failure(f"cannot enter a network namespace: {os.strerror(ctypes.get_errno())}")
