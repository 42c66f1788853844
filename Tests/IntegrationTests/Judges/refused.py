# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Dials with zero_rtt off and wants the engine's error of this number.

usage: refused.py TUNNEL CODE|protocol
"""

from __future__ import annotations

import asyncio
import sys

from common import client, expect


async def main(tunnel: str, code: str) -> None:
    async with client() as session:
        try:
            await session.dial(tunnel, zero_rtt=False)
        except Exception as error:  # noqa: BLE001 - the judge looks at it
            words = f"{type(error).__name__} {getattr(error, 'engine_code', '')} {getattr(error, 'code', '')} {error}"
            wanted = "ERR_RSTREAM_PROTOCOL" if code == "protocol" else code
            expect(wanted in words, f"expected {wanted}, got {words}")
            print("ok", flush=True)
            return
    expect(False, "the dial was not refused")


asyncio.run(asyncio.wait_for(main(sys.argv[1], sys.argv[2]), 60))
