# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""The services and the development engine, each of which can be restarted at its address."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

from benchmark.stage import Failure, Running, Stage

from .connection import Endpoint
from .waiting import until

TOKEN = "load-token"
CONNECTIONS = 8000
# Below the ports that the kernel gives to connections: one of them would keep a restarted program from its address.
PORTS = range(20_000, 32_000)


def fixed_port() -> int:
    for port in random.sample(PORTS, len(PORTS)):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise Failure("there is no free port")


class Reports:
    """What one process of a service tells on standard output, until its end."""

    def __init__(self, upstream: Upstream, output: int):
        self.upstream, self.output, self.text = upstream, output, b""
        # Streams whose bytes it counts.
        self.counting: set[int] = set()
        self.loop = asyncio.get_running_loop()
        os.set_blocking(output, False)
        self.loop.add_reader(output, self.hear)

    def hear(self) -> None:
        try:
            data = os.read(self.output, 65_536)
        except BlockingIOError:
            return
        *lines, self.text = (self.text + data).split(b"\n")
        for said in map(json.loads, lines):
            if "received" in said:
                self.counting.discard(said["stream"])
                self.upstream.on_result(said["stream"], said["received"], said["wrong"])
            else:
                self.counting.add(said["stream"])
        if not data:
            self.close()
            # Of these it will not say any more.
            for stream in self.counting:
                self.upstream.on_result(stream, 0, 0)

    def close(self) -> None:
        self.loop.remove_reader(self.output)


class Upstream:
    """The service of `load.service`."""

    def __init__(self, stage: Stage, namespace: str | None = None):
        self.stage, self.namespace, self.port = stage, namespace, fixed_port()
        self.on_result: Callable[[int, int, int], None] = lambda *_: None
        self.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self.running = self.stage.start(
            [sys.executable, "-m", "load.service", str(self.port)], namespace=self.namespace,
            pipes=True, environment={"PYTHONPATH": str(Path(__file__).parents[1])},
        )  # fmt: skip
        self.running.line()
        reports = Reports(self, self.running.popen.stdout.fileno())
        # Before the pipe is closed.
        self.stage.callback(reports.close)

    def end_streams(self) -> None:
        """Those that have no end of their own."""
        self.running.popen.send_signal(signal.SIGUSR1)

    async def restart(self, number: int = signal.SIGTERM) -> None:
        """In order: streams end, and none is refused that the kernel has accepted. SIGKILL cuts all of them."""
        self.running.popen.send_signal(number)
        await until("the end of a service", lambda: self.running.popen.poll() is not None)
        self.start()


class Engine:
    def __init__(self, stage: Stage, program: Path, host: str = "127.0.0.1"):
        self.stage, self.program, self.host, self.port = stage, program, host, fixed_port()
        self.folder = stage.folder / "engine"
        self.folder.mkdir()
        self.start()
        self.trust = ssl.create_default_context(cafile=self.authority)

    def start(self) -> None:
        self.running: Running = self.stage.start(
            [
                self.program, "--listen", f"{self.host}:{self.port}", "--state", self.folder, "--token", TOKEN,
                "--max-connections", CONNECTIONS,
            ],
            pipes=True,
        )  # fmt: skip
        self.authority = self.running.line()["ca"]

    async def restart(self) -> None:
        self.running.popen.kill()
        await until("the end of the engine", lambda: self.running.popen.poll() is not None)
        self.start()

    def web(self, name: str) -> Endpoint:
        return Endpoint(self.host, self.port, name, self.trust)

    async def call(self, method: str, path: str) -> None:
        reader, writer = await asyncio.open_connection(
            self.host, self.port, ssl=self.trust, server_hostname="localhost"
        )
        try:
            writer.write(
                f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
            )
            if b" 200 " not in await reader.readline():
                raise Failure(f"{method} {path} of the engine failed")
        finally:
            writer.close()
