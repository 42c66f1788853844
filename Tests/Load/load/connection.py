# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""A visitor's connection. What fails on it is a refusal before the first byte of the answer, and a cut afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass

from .tally import Cut, Refused

CHUNK = 64 * 1024
# Of one step of a visitor.
PATIENCE = 20


@dataclass(frozen=True)
class Endpoint:
    """Where visitors come in: over TLS by this name, or plainly."""

    host: str
    port: int
    name: str = ""
    trust: ssl.SSLContext | None = None


class Connection:
    def __init__(self, on_answer: Callable[[], None]):
        self.on_answer, self.is_answered = on_answer, False

    @contextlib.asynccontextmanager
    async def step(self, what: str):
        try:
            async with asyncio.timeout(PATIENCE):
                yield
        except TimeoutError:
            raise self.failure(f"{what}: nothing for {PATIENCE} s") from None
        except asyncio.IncompleteReadError as error:
            if error.partial:
                self.answered()
            missing = error.expected - len(error.partial) if error.expected else 0
            raise self.failure("ended", missing) from None
        except ConnectionRefusedError:
            raise self.failure("connection refused") from None
        except (ConnectionResetError, BrokenPipeError):
            raise self.failure("reset") from None
        except (OSError, asyncio.LimitOverrunError) as error:
            raise self.failure(f"{what}: {type(error).__name__}") from None

    def failure(self, reason: str, lost: int = 0) -> Exception:
        if self.is_answered:
            return Cut(reason, lost)
        return Refused(reason if reason == "connection refused" else f"{reason} before the first byte")

    def answered(self) -> None:
        if not self.is_answered:
            self.is_answered = True
            self.on_answer()

    async def open(self, endpoint: Endpoint) -> None:
        async with self.step("connect"):
            more = {"ssl": endpoint.trust, "server_hostname": endpoint.name} if endpoint.trust else {}
            self.reader, self.writer = await asyncio.open_connection(endpoint.host, endpoint.port, limit=CHUNK, **more)

    async def write(self, data: bytes) -> None:
        async with self.step("write"):
            self.writer.write(data)
            await self.writer.drain()

    async def read(self, count: int = CHUNK) -> bytes:
        async with self.step("read"):
            data = await self.reader.read(count)
        if data:
            self.answered()
        return data

    async def exactly(self, count: int) -> bytes:
        async with self.step("read"):
            data = await self.reader.readexactly(count)
        self.answered()
        return data

    async def until(self, mark: bytes) -> bytes:
        async with self.step("read"):
            return await self.reader.readuntil(mark)

    async def end(self) -> None:
        """The other side says no more."""
        if data := await self.read():
            raise Cut(f"{len(data)} bytes too many")

    def finish(self) -> None:
        """Ends this half."""
        with contextlib.suppress(OSError):
            self.writer.write_eof()

    def reset(self) -> None:
        plain = self.writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def close(self) -> None:
        if hasattr(self, "writer"):
            self.writer.close()


class Exchange:
    """HTTP/1.1 on a connection."""

    def __init__(self, connection: Connection, host: str):
        self.connection, self.host = connection, host
        self.headers: dict[str, str] = {}

    async def ask(self, path: str, *more: str, status: int = 200) -> None:
        lines = [f"GET {path} HTTP/1.1", f"Host: {self.host}", *more, "", ""]
        await self.connection.write("\r\n".join(lines).encode())
        head = (await self.connection.until(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        got = int(head[0].split()[1])
        if got != status:
            # It may be the engine's answer, in the service's place.
            raise Refused(f"status {got}")
        self.connection.answered()
        pairs = (line.partition(":") for line in head[1:] if line)
        self.headers = {name.lower(): value.strip() for name, _, value in pairs}

    @property
    def is_last(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"

    async def body(self) -> bytes:
        """All of a short one."""
        if "content-length" in self.headers:
            return await self.connection.exactly(int(self.headers["content-length"]))
        parts = []
        while data := await self.chunk():
            parts.append(data)
        return b"".join(parts)

    async def chunk(self) -> bytes:
        """The next one; none when the body is whole."""
        size = int(await self.connection.until(b"\r\n"), 16)
        data = await self.connection.exactly(size + 2)
        return data[:-2]
