# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""What measurements share: a development engine, a daemon with a tcp tunnel and a local service, each a process."""

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
DEFAULT = Path(__file__).resolve().parents[2] / ".build-release" / "release"


Service = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Stage:
    """The ports of the tunnel and of the service behind it, the daemon's process, and the folder of all their files."""

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
        configuration = folder / "rstreamd.yaml"
        configuration.touch(mode=0o600)
        configuration.write_text(
            f"""
version: 1
context: main
contexts:
  main:
    engine: localhost:{announced["engine"].rpartition(":")[2]}
    token: {TOKEN}
    transport: {{ tls: {{ caFile: {announced["ca"]} }} }}
tunnels:
  - {{ name: raw, forward: 127.0.0.1:{upstream}, tunnel: {{ protocol: tcp }} }}
"""
        )
        log = folder / "log"
        places = {"STATE_DIRECTORY": str(folder), "RUNTIME_DIRECTORY": str(folder)}
        daemon = start(
            [*under, programs / "rstreamd", "--config", configuration, "--log-format", "json"],
            stderr=log.open("w"),
            env={**os.environ, **places, **environment},
        )
        yield Stage(_wait_for_port(log, daemon), upstream, daemon.pid, folder)


def _wait_for_port(log: Path, daemon: subprocess.Popen) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and daemon.poll() is None:
        for line in log.read_text().splitlines():
            if line.startswith("{") and (entry := json.loads(line)).get("message") == "tunnel online":
                return int(entry["address"].split()[0].rpartition(":")[2])
        time.sleep(0.02)
    sys.exit(f"the tunnel did not open:\n{log.read_text()}")


def _serve(service: Service, listener: socket.socket) -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG

    async def main() -> None:
        server = await asyncio.start_server(service, sock=listener)
        await server.serve_forever()

    asyncio.run(main())
