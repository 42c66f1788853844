# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""An agent of the official Python SDK: prints the address of a published tcp tunnel, and forwards its streams.

usage: sdk_agent.py ENGINE AUTHORITY TOKEN SERVICE
"""

import asyncio
import json
import sys

import rstream


async def main(engine: str, authority: str, token: str, service: str) -> None:
    host, _, port = service.rpartition(":")
    tls = rstream.TLSOptions(ca_file=authority, server_name="localhost")
    async with (
        rstream.Client(engine=engine, token=token, tls=tls, read_config_file=False) as client,
        await client.connect() as control,
    ):
        tunnel = await control.create_tunnel(protocol="tcp", publish=True)
        print(json.dumps({"port": tunnel.properties.port}), flush=True)
        await tunnel.forward_to(host, int(port))


asyncio.run(main(*sys.argv[1:]))
