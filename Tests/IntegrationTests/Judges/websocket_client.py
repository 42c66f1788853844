"""Sends texts, binaries and pings through a published tunnel and wants them back.

usage: websocket_client.py HOSTNAME PORT CA_FILE
"""

from __future__ import annotations

import asyncio
import os
import ssl
import sys

from websockets.asyncio.client import connect


async def main(hostname: str, port: int, ca_file: str) -> None:
    context = ssl.create_default_context(cafile=ca_file)
    async with connect(
        f"wss://{hostname}:{port}/echo?x=1",
        host="127.0.0.1",
        ssl=context,
        server_hostname=hostname,
        max_size=None,
        proxy=None,
    ) as connection:
        for message in ("hello", "", "grüße", b"\x00\x01", os.urandom(3 * 1024 * 1024), "x" * 70_000):
            await connection.send(message)
            if await connection.recv() != message:
                raise SystemExit("judge: another message came back")
        await (await connection.ping())
    print("ok", flush=True)


asyncio.run(asyncio.wait_for(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]), 60))
