# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""What measurements share: a development engine, a daemon with a tcp tunnel and two http tunnels, of which one is
inspected, and a local service, each a process."""

import asyncio
import contextlib
import ctypes
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TOKEN = "benchmark-token"
CHUNK = 64 * 1024
HTTP_HOST = "{}.t.localhost"
TUNNELS = ("raw", "plain", "inspected")
DEFAULT = Path(__file__).resolve().parents[2] / ".build-release" / "release"


Service = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Stage:
    """The ports of the engine, of the tcp tunnel and of the service behind all tunnels, the daemon's process, and the
    folder of all their files. Visitors of the http tunnels come to the engine's port as `HTTP_HOST` with their name."""

    engine: int
    tunnel: int
    upstream: int
    daemon: int
    folder: Path


def check_programs(folder: Path) -> None:
    for name in ("rstreamd", "rstreamctl", "rstream-dev-engine"):
        if not os.access(folder / name, os.X_OK):
            sys.exit(f"{folder / name} is not there; `make build` makes it")


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.contextmanager
def stage(
    programs: Path, service: Service = echo, under: Sequence[str] = (), environment: Mapping[str, str] = {}
) -> Iterator[Stage]:
    """Sets the stage for as long as it is used. The daemon runs `under` a command, if any, and with more variables."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rstreamd-benchmark-")))
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        fork = multiprocessing.get_context("fork")
        server = fork.Process(target=_serve, args=(service, listener), daemon=True)
        server.start()
        stack.callback(server.kill)
        upstream = listener.getsockname()[1]

        def start(words: Sequence[str | Path], **settings: object) -> subprocess.Popen:
            # None of them outlives a measurement that is killed.
            process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *words], text=True, **settings)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        (folder / "engine").mkdir()
        engine = start(
            [programs / "rstream-dev-engine", "--state", folder / "engine", "--token", TOKEN],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        announced = json.loads(engine.stdout.readline())
        engine_port = int(announced["engine"].rpartition(":")[2])
        configuration = folder / "rstreamd.yaml"
        configuration.touch(mode=0o600)
        configuration.write_text(
            f"""
version: 1
context: main
contexts:
  main:
    engine: localhost:{engine_port}
    token: {TOKEN}
    transport: {{ tls: {{ caFile: {announced["ca"]} }} }}
tunnels:
  - {{ name: raw, forward: 127.0.0.1:{upstream}, tunnel: {{ protocol: tcp }} }}
  - name: plain
    forward: 127.0.0.1:{upstream}
    tunnel: {{ publish: true, protocol: http, host: {HTTP_HOST.format("plain")} }}
  - name: inspected
    forward: 127.0.0.1:{upstream}
    inspect: true
    tunnel: {{ publish: true, protocol: http, host: {HTTP_HOST.format("inspected")} }}
"""
        )
        log = folder / "log"
        places = {"STATE_DIRECTORY": str(folder), "RUNTIME_DIRECTORY": str(folder)}
        daemon = start(
            [*under, programs / "rstreamd", "--config", configuration, "--log-format", "json"],
            stderr=log.open("w"),
            env={**os.environ, **places, **environment},
        )
        yield Stage(engine_port, _wait_for_port(log, daemon), upstream, daemon.pid, folder)


def _wait_for_port(log: Path, daemon: subprocess.Popen) -> int:
    """The port of the tcp tunnel, when all tunnels are online."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and daemon.poll() is None:
        # The last line may not be whole yet.
        entries = [json.loads(line) for line in log.read_text().split("\n")[:-1] if line.startswith("{")]
        online = {entry["tunnel"]: entry["address"] for entry in entries if entry.get("message") == "tunnel online"}
        if online.keys() >= set(TUNNELS):
            return int(online["raw"].split()[0].rpartition(":")[2])
        time.sleep(0.02)
    sys.exit(f"the tunnels did not open:\n{log.read_text()}")


def _serve(service: Service, listener: socket.socket) -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG

    async def main() -> None:
        server = await asyncio.start_server(service, sock=listener)
        await server.serve_forever()

    asyncio.run(main())
