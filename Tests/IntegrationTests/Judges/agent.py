# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Is the agent of a published http tunnel and of a private one, until it is killed.

Prints one line of JSON with the tunnels' addresses. Http visitors get the digest of their body; private ones get their
bytes back.
"""

from __future__ import annotations

import asyncio
import hashlib
import json

import rstream
from common import client


async def answer(stream: rstream.RstreamStream) -> None:
    async with stream:
        head = await stream.reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        body = await stream.readexactly(int(lengths[0].split(b":")[1])) if lengths else b""
        text = hashlib.sha256(body).hexdigest().encode()
        stream.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
        await stream.drain()


async def echo(stream: rstream.RstreamStream) -> None:
    left = 1024 * 1024
    async with stream:
        while left and (part := await stream.read(64 * 1024)):
            left -= len(part)
            stream.write(part)
            await stream.drain()


async def serve(tunnel: rstream.BytestreamTunnel, handle) -> None:  # type: ignore[no-untyped-def]
    tasks = set()
    async for stream in tunnel:
        task = asyncio.create_task(handle(stream))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


async def main() -> None:
    async with client(heartbeat_interval=1.0) as session:
        control = await session.connect()
        web = await control.create_tunnel(name="judge-web", publish=True, protocol="http")
        private = await control.create_tunnel(name="judge-private", publish=False)
        print(json.dumps({"hostname": web.properties.hostname, "private": private.id}), flush=True)
        await asyncio.gather(serve(web, answer), serve(private, echo))


asyncio.run(main())
