# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""All cases, by themes. Each module enters its own into the table."""

from . import (
    admin,
    clocks,
    configuration,
    engine,
    frames,
    handshakes,
    logs,
    machine,
    names,
    network,
    proxies,
    starting,
    stopping,
    streams,
    upstreams,
)

__all__ = [
    "admin",
    "clocks",
    "configuration",
    "engine",
    "frames",
    "handshakes",
    "logs",
    "machine",
    "names",
    "network",
    "proxies",
    "starting",
    "stopping",
    "streams",
    "upstreams",
]
