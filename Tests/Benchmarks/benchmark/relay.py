# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""What a relay is to the measures."""

from __future__ import annotations

import os
import resource

from .site import Site
from .stage import Failure, Running, listens, wait_until
from .tools import Tools

# For programs that want to be told; each takes two descriptors.
CONNECTIONS = (resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100) // 2
NOT_INSTALLED = "not installed: packaging/dependencies bench, make .build-bench/venv/ready"
# Where sshd and nginx are for those who have no sbin in their path.
os.environ["PATH"] += ":/usr/sbin:/sbin"


class Relay:
    """A program between a plain connection and one in TLS: `begin`, then `start` and `stop` any number of times."""

    name: str
    # How it stands in the table of relays.
    path: str
    # A reverse tunnel dials the engine and waits there for visitors; the others accept a visitor and dial.
    is_reverse = True

    def __init__(self, site: Site):
        self.site = site
        self.running: Running | None = None
        self.far: Running | None = None
        self.address = ""

    @staticmethod
    def version(tools: Tools) -> str:
        """Empty when it is not installed."""
        raise NotImplementedError

    def begin(self) -> None:
        """Starts the half that is not measured, unless it is the TLS service."""
        self.far = self.site.tls_service[1]

    def start(self) -> None:
        """Starts the half that is measured, and returns when a visitor can connect."""
        raise NotImplementedError

    def stop(self) -> None:
        if self.running:
            self.running.stop()

    @property
    def visitors(self) -> str | None:
        """The namespace of its visitors."""
        network = self.site.network
        return network.engine_namespace if self.is_reverse else network.agent_namespace

    def load(self, what: str, *numbers: int, pipes: bool = True) -> Running:
        command = [self.site.tools.load, what, self.address, *numbers]
        return self.site.stage.start(command, namespace=self.visitors, pipes=pipes)

    def listen(self, command: list, **options) -> None:
        """Starts a program that accepts visitors at the agent's end, at an address that it was told."""
        self.running = self.site.near(command, **options)
        wait_until(self.address, self.running, lambda: listens(self.running, self.address))


def started(site: Site, relay_class: type[Relay]) -> Relay:
    if not relay_class.version(site.tools):
        raise Failure(NOT_INSTALLED)
    relay = relay_class(site)
    relay.begin()
    relay.start()
    return relay
