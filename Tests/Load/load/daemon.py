# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""A daemon, whichever process it is at the moment."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.stage import Stage

from .connection import Endpoint
from .family import is_gone
from .programs import TOKEN, Engine, fixed_port
from .waiting import until


@dataclass(frozen=True)
class Outcome:
    """Of a command of rstreamctl."""

    status: int
    output: str
    errors: str


def configuration(
    engine: Engine, authority: object, tunnels: Sequence[str], listeners: Sequence[str] = (), more: str = ""
) -> str:  # fmt: skip
    """`tunnels` and `listeners` are entries, a line each; `more` is what else the file says."""
    entries = "".join(f"  - {{ {tunnel} }}\n" for tunnel in tunnels)
    local = "".join(f"  - {{ {listener} }}\n" for listener in listeners)
    return f"""version: 1
context: main
contexts:
  main:
    engine: {engine.host}:{engine.port}
    token: {TOKEN}
    transport: {{ tls: {{ caFile: {authority}, serverName: localhost }} }}
{more}
tunnels:
{entries}{"listeners:" if local else ""}
{local}"""


class Asked:
    """A daemon as its status tells of it."""

    def __init__(self):
        self.pids: set[int] = set()

    async def status(self) -> dict:
        raise NotImplementedError

    async def pid(self) -> int:
        pid = (await self.status())["daemon"]["pid"]
        self.pids.add(pid)
        return pid

    async def round_trip(self) -> float:
        """Between daemon and engine, in seconds, once it is known."""

        async def measured() -> float | None:
            return (await self.status())["sessions"][0]["heartbeatRttSeconds"]

        return await until("a heartbeat", measured)


class Daemon(Asked):

    def __init__(
        self, stage: Stage, programs: Path, engine: Engine, name: str = "daemon", namespace: str | None = None
    ):  # fmt: skip
        super().__init__()
        self.stage, self.programs, self.engine, self.namespace = stage, programs, engine, namespace
        self.folder = stage.folder / name
        self.folder.mkdir()
        self.configuration = self.folder / "rstreamd.yaml"
        self.program = self.folder / "rstreamd"
        # Two, each a new file to the other: copies that are made under load would disturb it.
        self.versions = [self.folder / f"rstreamd.{number}" for number in range(2)]
        for version in self.versions:
            shutil.copy2(programs / "rstreamd", version)
        self.install(self.versions[0])

    def install(self, program: Path) -> None:
        """As packages do: the running program keeps its file."""
        new = self.folder / "rstreamd.new"
        os.link(program, new)
        new.rename(self.program)

    def install_version(self) -> None:
        """One that works, and is another file than the one that is there."""
        self.install(next(version for version in self.versions if not version.samefile(self.program)))

    def write(self, tunnels: Sequence[str], listeners: Sequence[str] = (), more: str = "") -> None:
        self.write_text(configuration(self.engine, self.engine.authority, tunnels, listeners, more))

    def write_text(self, text: str) -> None:
        new = self.configuration.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(text)
        new.rename(self.configuration)

    async def start(self) -> None:
        self.running = self.stage.start(
            [self.program, "--config", self.configuration, "--log-format", "json"], namespace=self.namespace,
            environment={"STATE_DIRECTORY": str(self.folder), "RUNTIME_DIRECTORY": str(self.folder)},
        )
        self.pids.add(self.running.pid)
        await until("the daemon", lambda: self.call("GET", "/v1/health/live"))

    async def stop(self) -> None:
        """In order: the streams have ended."""
        pid = await self.pid()
        os.kill(pid, signal.SIGTERM)
        await self.wait_for_end({pid})

    async def kill(self) -> None:
        pid = await self.pid()
        os.kill(pid, signal.SIGKILL)
        await self.wait_for_end({pid})

    async def wait_for_end(self, pids: set[int]) -> None:
        await until("the end of the daemon", lambda: all(is_gone(pid) for pid in pids))
        self.pids -= pids

    # What it says

    async def call(self, method: str, path: str, body: str = "") -> dict | list | str:
        """The answer, which is not empty; anything but a success is an error."""
        async with asyncio.timeout(90):
            reader, writer = await asyncio.open_unix_connection(str(self.folder / "admin.sock"))
            try:
                writer.write(
                    f"{method} {path} HTTP/1.1\r\nHost: rstreamd\r\nConnection: close\r\n"
                    f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
                )
                head, _, content = (await reader.read()).partition(b"\r\n\r\n")
            finally:
                writer.close()
        status = int(head.split(b" ")[1])
        if not 200 <= status < 300:
            raise ValueError(f"{method} {path}: {status} {content.decode()}")
        is_json = b"json" in head.lower()
        return json.loads(content) if is_json else content.decode() or "done"

    async def status(self) -> dict:
        return await self.call("GET", "/v1/status")

    async def wait_until_ready(self) -> None:
        await until("a daemon that is ready", lambda: self.call("GET", "/v1/health/ready"))

    async def wait_for_tunnel(self, name: str, state: str) -> None:
        async def is_there() -> bool:
            return (await self.call("GET", f"/v1/tunnels/{name}"))["state"] == state

        await until(f"tunnel {name}: {state}", is_there)

    async def reload(self) -> dict:
        return await self.call("POST", "/v1/reload", "{}")

    async def control(self, *words: str) -> Outcome:
        process = await asyncio.create_subprocess_exec(
            self.programs / "rstreamctl", "--socket", self.folder / "admin.sock", *words,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            output, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        return Outcome(process.returncode, output.decode(), errors.decode())

    async def upgrade(self) -> Outcome:
        return await self.control("upgrade")


@dataclass(frozen=True)
class Addresses:
    """Of the two tunnels that all visitors use. Fixed, so that any daemon may have them."""

    port: int
    name: str

    @staticmethod
    def new(name: str = "web.t.localhost") -> Addresses:
        return Addresses(fixed_port(), name)

    def tunnels(self, upstream: str) -> list[str]:
        """`upstream` is what an entry says about where streams go."""
        return [
            f"name: raw, {upstream}, tunnel: {{ protocol: tcp, port: {self.port} }}",
            f"name: web, {upstream}, tunnel: {{ publish: true, protocol: http, host: {self.name} }}",
        ]

    def endpoints(self, engine: Engine) -> dict[str, Endpoint]:
        return {"raw": Endpoint(engine.host, self.port), "web": engine.web(self.name)}
