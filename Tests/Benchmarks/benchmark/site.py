# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Where relays run: the agent's end and the engine's end of a network, with the services that visitors reach."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .stage import Failure, Running, Stage
from .tools import ROOT, Tools


@dataclass(frozen=True)
class Network:
    """The two ends. Without namespaces, both are this host's loopback."""

    engine_host: str = "127.0.0.1"
    engine_namespace: str | None = None
    agent_namespace: str | None = None


class Site:
    def __init__(self, stage: Stage, tools: Tools, network: Network = Network()):
        self.stage, self.tools, self.network = stage, tools, network
        make_certificates(stage.folder)
        self.authority = stage.folder / "ca.pem"
        self.certificate, self.key = stage.folder / "server.pem", stage.folder / "server.key"
        # A reverse tunnel leads to a service near the agent; what dials forward, to one near the engine.
        self.agent_service = self.service(tools.service, "127.0.0.1:0", namespace=network.agent_namespace)
        self.engine_service = self.service(
            tools.service, f"{network.engine_host}:0", namespace=network.engine_namespace
        )
        self.tls_service = self.service(
            tools.tls_service, f"{network.engine_host}:0", self.certificate, self.key,
            namespace=network.engine_namespace,
        )  # fmt: skip

    def service(self, program: Path, address: str, *more: Path, namespace: str | None) -> tuple[str, Running]:
        running = self.stage.start([program, address, *more], namespace=namespace, pipes=True)
        return f"{address.rsplit(':', 1)[0]}:{running.line()['port']}", running

    def near(self, command: list, **options) -> Running:
        """Starts what is measured, at the agent's end."""
        return self.stage.start(command, relay=True, namespace=self.network.agent_namespace, **options)

    def far(self, command: list, **options) -> Running:
        return self.stage.start(command, namespace=self.network.engine_namespace, **options)


def make_certificates(folder: Path) -> None:
    """An authority, and a certificate for "localhost"."""

    def openssl(*words: str) -> None:
        done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise Failure(f"openssl: {done.stderr.strip().splitlines()[-1]}")

    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
    openssl(*new, "-subj", "/CN=benchmark authority", "-keyout", "ca.key", "-out", "ca.pem")
    openssl(
        *new, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-CA", "ca.pem", "-CAkey", "ca.key",
        "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "server.key", "-out", "server.pem",
    )  # fmt: skip


# The two ends of a network, whatever joins them.
AGENT, ENGINE = "10.98.0.1", "10.98.0.2"


def ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"ip {shlex.join(words)}: {done.stderr.strip()}")


@contextlib.contextmanager
def namespaces():
    """The agent's and the engine's, which nothing joins yet."""
    names = [f"rstreamd-{os.getpid()}-{end}" for end in ("agent", "engine")]
    with contextlib.ExitStack() as stack:
        for name in names:
            ip("netns", "add", name)
            stack.callback(subprocess.run, ["ip", "netns", "del", name], check=False)
            ip("-n", name, "link", "set", "lo", "up")
        yield names


@contextlib.contextmanager
def cabled_network():
    """Two namespaces with a cable of the kernel's between them."""
    with namespaces() as (agent, engine):
        ip("link", "add", "cable", "netns", agent, "type", "veth", "peer", "name", "cable", "netns", engine)
        for name, address in ((agent, AGENT), (engine, ENGINE)):
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "cable")
            ip("-n", name, "link", "set", "cable", "up")
        yield Network(ENGINE, engine, agent)


@contextlib.contextmanager
def delayed_network(stage: Stage):
    """Two namespaces that Tests/Network/tunlink joins, and a function that sets the round trip in milliseconds."""
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        raise Failure("networks with delay need root and /dev/net/tun")
    with namespaces() as (agent, engine):
        link = stage.start([ROOT / "Tests/Network/tunlink", agent, f"{AGENT}/24", engine, f"{ENGINE}/24"], pipes=True)
        try:
            if link.popen.stdout.readline().strip() != "ready":
                raise Failure(f"tunlink: {link.tail()}")

            def set_round_trip(milliseconds: float) -> None:
                link.popen.stdin.write(f"delay={milliseconds / 2}\n")
                link.popen.stdin.flush()

            yield Network(ENGINE, engine, agent), set_round_trip
        finally:
            link.stop()
