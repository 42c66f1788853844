# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""The service behind the tunnels, a program of its own: what a stream's first line asks for.

    echo N             whatever comes, until the visitor ends it
    down N SECONDS     for a visitor that has ended its half: bytes, then END and how many they were
    up N               a half that ends at once, while the visitor goes on; standard output tells its begin, and what
                       came
    GET /bytes/N/COUNT, /events/N/SECONDS, /download/N/SECONDS, or /echo/N with an upgrade

SIGUSR1 ends what has no end of its own, and SIGTERM that and the service, once the last stream has ended.
"""

import asyncio
import contextlib
import json
import resource
import signal
import socket
import sys
import time

from .pattern import SIZE, differing, part

PAUSE = 0.1
CHUNK = 64 * 1024
SLOW_CHUNK = 4096
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
# Of numbers in a trailer, so that its length is known.
DIGITS = 13


class Ending:
    """When a stream that has no end of its own ends."""

    def __init__(self, seconds: str):
        self.deadline, self.asked = time.monotonic() + float(seconds), asyncio.Event()

    @property
    def is_over(self) -> bool:
        return self.asked.is_set() or time.monotonic() >= self.deadline

    async def pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PAUSE):
                await self.asked.wait()


class Service:
    def __init__(self, listener: socket.socket):
        self.listener, self.loop = listener, asyncio.get_running_loop()
        self.streams: set[asyncio.Task] = set()
        self.endings: set[Ending] = set()
        self.closed = asyncio.Event()
        self.is_draining = False

    async def run(self) -> None:
        self.loop.add_reader(self.listener, self.accept)
        self.loop.add_signal_handler(signal.SIGUSR1, self.end)
        self.loop.add_signal_handler(signal.SIGTERM, self.drain)
        await self.closed.wait()
        while self.streams:
            # One that was on its way may begin only now.
            self.end()
            await asyncio.wait(self.streams, timeout=PAUSE)

    def accept(self) -> None:
        """All that wait: what is left in the queue of a socket that is closed would be reset."""
        with contextlib.suppress(BlockingIOError):
            while True:
                connection, _ = self.listener.accept()
                task = self.loop.create_task(self.serve(connection))
                self.streams.add(task)
                task.add_done_callback(self.streams.discard)

    def end(self) -> None:
        for ending in self.endings:
            ending.asked.set()

    def drain(self) -> None:
        self.loop.remove_reader(self.listener)
        self.is_draining = True
        self.accept()
        self.listener.close()
        self.closed.set()

    @contextlib.contextmanager
    def until(self, seconds: str):
        ending = Ending(seconds)
        self.endings.add(ending)
        try:
            yield ending
        finally:
            self.endings.discard(ending)

    async def serve(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=connection)
        try:
            words = (await reader.readline()).decode("latin-1").split()
            match words:
                case ["echo", _]:
                    await self.echo(reader, writer)
                case ["down", number, seconds]:
                    await self.down(writer, int(number), seconds)
                case ["up", number]:
                    await self.up(reader, writer, int(number))
                case ["GET", path, _]:
                    await self.answer(reader, writer, path)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            # It shows at the visitor, if it matters.
            pass
        finally:
            writer.close()

    async def echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()

    async def down(self, writer: asyncio.StreamWriter, number: int, seconds: str) -> None:
        position = 0
        with self.until(seconds) as ending:
            while not ending.is_over:
                writer.write(part(number, position, SLOW_CHUNK))
                await writer.drain()
                position += SLOW_CHUNK
                await ending.pause()
        writer.write(b"END%0*d" % (DIGITS, position))
        await writer.drain()

    async def up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(b"ok\n")
        writer.write_eof()
        position, wrong = 0, 0
        print(json.dumps({"stream": number}), flush=True)
        try:
            while data := await reader.read(SIZE):
                wrong += differing(number, position, data)
                position += len(data)
        finally:
            print(json.dumps({"stream": number, "received": position, "wrong": wrong}), flush=True)

    # HTTP

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n") if path else b""
            match path.split("/")[1:]:
                case ["bytes", number, count]:
                    self.bytes(writer, int(number), int(count))
                case ["events", number, seconds]:
                    await self.events(writer, int(number), seconds)
                case ["download", number, seconds]:
                    await self.download(writer, int(number), seconds)
                case ["echo", _]:
                    writer.write(SWITCHING)
                    return await self.echo(reader, writer)
            await writer.drain()
            if self.is_draining or b"connection: close" in head.lower():
                return
            words = (await reader.readline()).decode("latin-1").split()
            if len(words) != 3:
                return
            path = words[1]

    def bytes(self, writer: asyncio.StreamWriter, number: int, count: int) -> None:
        close = "Connection: close\r\n" if self.is_draining else ""
        writer.write(f"HTTP/1.1 200 OK\r\n{close}Content-Length: {count}\r\n\r\n".encode() + part(number, 0, count))

    async def events(self, writer: asyncio.StreamWriter, number: int, seconds: str) -> None:
        self.begin_chunks(writer, "text/event-stream")
        count = 0
        with self.until(seconds) as ending:
            while not ending.is_over:
                self.chunk(writer, b"id: %d\ndata: %d\n\n" % (count, number))
                await writer.drain()
                count += 1
                await ending.pause()
        self.chunk(writer, b"event: end\ndata: %d\n\n" % count)
        self.chunk(writer, b"")

    async def download(self, writer: asyncio.StreamWriter, number: int, seconds: str) -> None:
        """As fast as the visitor reads."""
        self.begin_chunks(writer, "application/octet-stream")
        position = 0
        with self.until(seconds) as ending:
            while not ending.is_over:
                self.chunk(writer, part(number, position, CHUNK))
                await writer.drain()
                position += CHUNK
        self.chunk(writer, b"")

    def begin_chunks(self, writer: asyncio.StreamWriter, kind: str) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())

    def chunk(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(b"%x\r\n%b\r\n" % (len(data), data))


async def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=4096)
    listener.setblocking(False)
    service = Service(listener)
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    await service.run()


if __name__ == "__main__":
    asyncio.run(main())
