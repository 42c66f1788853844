# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Sends texts, binaries and pings through a published tunnel and wants them back, and the reasons for which both sides end.

usage: websocket_client.py HOSTNAME PORT CA_FILE [declined]

With the last word the service is one that does not speak WebSocket, and says so with a status.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from collections.abc import Callable

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus


async def main(hostname: str, port: int, ca_file: str, *words: str) -> None:
    context = ssl.create_default_context(cafile=ca_file)

    def visit() -> connect:
        return connect(
            f"wss://{hostname}:{port}/echo?x=1",
            host="127.0.0.1",
            ssl=context,
            server_hostname=hostname,
            max_size=None,
            proxy=None,
        )

    if words == ("declined",):
        await declined(visit)
    else:
        await echoed(visit)
    print("ok", flush=True)


async def declined(visit: Callable[[], connect]) -> None:
    try:
        async with visit():
            raise SystemExit("judge: it was not declined")
    except InvalidStatus as error:
        said = (error.response.status_code, error.response.body)
        if said != (200, b""):
            raise SystemExit(f"judge: it was declined with {said}") from None


async def echoed(visit: Callable[[], connect]) -> None:
    async with visit() as connection:
        for message in ("hello", "", "grüße", b"\x00\x01", os.urandom(3 * 1024 * 1024), "x" * 1024 * 1024):
            await connection.send(message)
            if await connection.recv() != message:
                raise SystemExit("judge: another message came back")
        await (await connection.ping())
        await connection.send("leave")
        await connection.wait_closed()
        if (connection.close_code, connection.close_reason) != (4001, "as you wish"):
            raise SystemExit(f"judge: the service left with {connection.close_code} {connection.close_reason}")
    async with visit() as connection:
        await connection.close(4002, "enough")
        if connection.close_code != 4002:
            raise SystemExit(f"judge: the service has heard {connection.close_code}")


asyncio.run(asyncio.wait_for(main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]), 60))
