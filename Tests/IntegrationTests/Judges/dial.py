# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Dials a private tunnel, sends 1 MiB, and wants the same bytes back, then the end.

usage: dial.py TUNNEL true|false        (the last word is zero_rtt)
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys

from common import SIZE, client, expect


async def main(tunnel: str, zero_rtt: bool) -> None:
    sent = os.urandom(SIZE)
    async with client() as session:
        stream = await session.dial(tunnel, zero_rtt=zero_rtt)

        async def send() -> None:
            for offset in range(0, SIZE, 64 * 1024):
                stream.write(sent[offset : offset + 64 * 1024])
                await stream.drain()
            # Python's TLS has no half-close; where the stack has one the SDK uses it.
            stream.write_eof()

        sender = asyncio.create_task(send())
        received = await stream.readexactly(SIZE)
        await sender
        expect(
            hashlib.sha256(received).digest() == hashlib.sha256(sent).digest(),
            "other bytes came back",
        )
        expect(await stream.read(1) == b"", "the stream did not end behind the last byte")
        stream.close()
        await stream.wait_closed()
    print("ok", flush=True)


asyncio.run(asyncio.wait_for(main(sys.argv[1], sys.argv[2] == "true"), 60))
