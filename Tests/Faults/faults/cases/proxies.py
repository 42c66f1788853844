# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""The proxy on the way to the engine refuses, stalls and lies."""

import time

from ..case import Report, case
from ..proxies import GOOD, HTTPProxy, Proxy, SOCKSProxy
from ..stage import BACK, Stage
from ..waiting import until
from ..world import World

THEME = "Proxies"
# What the daemon waits for a connection, its proxy and TLS.
CONNECT = 15


def outlives(world: World, report: Report, proxy: Proxy, kind: str, conducts: list[str], slow: list[str]) -> None:
    stage = Stage(world, transport=f"proxy: {{ {kind}: {proxy.place} }}, prewarm: {{ mode: off }}")
    for conduct in [*conducts, *slow]:
        proxy.conduct, met, mark = conduct, proxy.met, stage.daemon.mark
        stage.engine.ask("POST", "drop-control-channels")
        line = stage.lost(mark)
        until("an attempt that met the proxy", lambda: proxy.met > met, 30)
        # That it was not taken for an answer.
        until("the end of that attempt", lambda: stage.daemon.session()["state"] != "connecting" or conduct in slow, 30)
        proxy.conduct = GOOD
        report.served_after(stage.first_served(time.monotonic(), 60), CONNECT + BACK if conduct in slow else BACK)
        report.holds(
            "each outage was one line", stage.daemon.count("session down, retrying", mark) == 1, (conduct, line)
        )
    report.holds("the memory stayed below 80 MiB", stage.daemon.memory < 80, f"{stage.daemon.memory:.0f} MiB")
    report.did = f"the control channel was reset, and the proxy {', '.join([*conducts, *slow])}"
    stage.finish(report)


@case(THEME, "an HTTP proxy that refuses, stalls or lies costs attempts, and nothing else", patience=300)
def http_proxy_lies(world: World, report: Report) -> None:
    slow = ["never answers", "stalls in its head", "stalls after 200"]
    outlives(world, report, HTTPProxy(world.engine), "http", list(HTTPProxy.ANSWERS), slow)


@case(THEME, "a SOCKS proxy that refuses, stalls or lies costs attempts, and nothing else", patience=300)
def socks_proxy_lies(world: World, report: Report) -> None:
    quick = [*SOCKSProxy.METHODS, *SOCKSProxy.ANSWERS]
    outlives(world, report, SOCKSProxy(world.engine), "socks5", quick,
             ["stalls before the method", "stalls before its answer"])  # fmt: skip
