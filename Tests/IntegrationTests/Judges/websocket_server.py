# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Echoes WebSocket messages on a free port, which it prints, until it is killed; at the message "leave" it does with 4001."""

from __future__ import annotations

import asyncio

from websockets.asyncio.server import ServerConnection, serve


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        if message == "leave":
            await connection.close(4001, "as you wish")
        else:
            await connection.send(message)


async def main() -> None:
    async with serve(echo, "127.0.0.1", 0, max_size=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


asyncio.run(main())
