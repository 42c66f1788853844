# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Lists tunnels and clients through the engine's API, then watches until a tunnel of a name is created.

usage: inventory.py NAMES_AND_HOSTS_AS_JSON NAME_TO_WATCH_FOR
"""

from __future__ import annotations

import asyncio
import json
import sys

from common import client, expect


async def main(wanted: dict[str, dict[str, object]], awaited: str) -> None:
    async with client() as session:
        tunnels = {tunnel.properties.name: tunnel for tunnel in await session.list_tunnels()}
        expect(set(tunnels) == set(wanted), f"tunnels {sorted(tunnels)}, expected {sorted(wanted)}")
        for name, properties in wanted.items():
            tunnel = tunnels[name]
            expect(tunnel.status == "online", f"{name} is {tunnel.status}")
            for key, value in properties.items():
                got = getattr(tunnel.properties, key)
                expect(got == value, f"{name}: {key} is {got!r}, expected {value!r}")
            labels = tunnel.properties.labels
            expect(labels.get("rstream.managed-by") == "run", f"{name}: labels {labels}")

        agents = await session.list_clients()
        expect(len(agents) == 1, f"{len(agents)} clients")
        agent = agents[0]
        for key, value in (("agent", "rstreamd"), ("protocol_version", "1.4.5"), ("status", "online")):
            expect(agent.get(key) == value, f"client: {key} is {agent.get(key)!r}")
        owners = {tunnel.client_id for tunnel in tunnels.values()}
        expect(owners == {agent["id"]}, "the tunnels belong to another client")

        async with session.watch() as events:
            async for event in events:
                if event.type == "state.initial":
                    print("watching", flush=True)
                if event.type == "tunnel.created" and (event.object or {}).get("name") == awaited:
                    print("ok", flush=True)
                    return
    expect(False, "the event stream ended")


asyncio.run(asyncio.wait_for(main(json.loads(sys.argv[1]), sys.argv[2]), 60))
