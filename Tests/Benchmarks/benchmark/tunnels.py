# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""What the daemon costs with many tunnels: its start, its memory, a reload, an answer of rstreamctl."""

from __future__ import annotations

import subprocess
import time

from .daemon import Daemon, Engine
from .measures import MEBIBYTE, Bench, say
from .site import Site
from .stage import Failure, Stage
from .table import Sheet


def lines(count: int, name: str | None = None, more: str = "") -> list[str]:
    """Of a configuration with so many http tunnels; the one in the middle may have another name and more keys."""
    plain = [f"name: t{number}, forward: 9, tunnel: {{ protocol: http }}" for number in range(count)]
    middle = count // 2
    plain[middle] = f"name: {name or f't{middle}'}, forward: 9, tunnel: {{ protocol: http }}{more}"
    return plain


def tunnels(bench: Bench) -> list[Sheet]:
    columns = [f"{count:,} tunnel{'s' if count > 1 else ''}" for count in bench.scale.tunnels]
    sheet = Sheet(
        "Tunnels", "rstreamd", columns, base=None,
        text="Online: the engine has opened all of them. `rstreamctl status` is a whole run of that program.",
    )  # fmt: skip
    for number in range(bench.scale.slow_rounds):
        for count, column in zip(bench.scale.tunnels, columns):
            say(f"  {sheet.title}, round {number + 1}: {column}")
            try:
                with Stage(bench.processors) as stage:
                    measure_start(sheet, column, Site(stage, bench.tools), count, bench.scale.idle)
            except (Failure, OSError, ValueError, subprocess.SubprocessError) as error:
                say(f"    {error}")
                sheet.notes[f"{column}"] = str(error)
    return [sheet]


def measure_start(sheet: Sheet, column: str, site: Site, count: int, idle: float) -> None:
    daemon = Daemon(site, Engine(site))
    daemon.write(lines(count))
    began = time.perf_counter()
    sheet.add("start to READY=1, ms", column, daemon.start() * 1000)
    daemon.wait_for_tunnels()
    sheet.add("start to all online, ms", column, (time.perf_counter() - began) * 1000)
    sheet.add("CPU-s until then", column, daemon.running.processor_seconds())
    time.sleep(idle)
    sheet.add("memory, MiB", column, daemon.running.memory() / MEBIBYTE)
    before = daemon.running.processor_seconds()
    time.sleep(idle)
    sheet.add("CPU ms per second, idle", column, (daemon.running.processor_seconds() - before) * 1000 / idle)
    program = [str(site.tools.programs / "rstreamctl"), "--socket", str(daemon.folder / "admin.sock"), "status"]
    began = time.perf_counter()
    done = subprocess.run(program, capture_output=True)
    sheet.add("rstreamctl status, ms", column, (time.perf_counter() - began) * 1000)
    if done.returncode:
        raise Failure("rstreamctl status failed")


def reload(bench: Bench) -> list[Sheet]:
    count = bench.scale.reload_tunnels
    columns = ["answer, ms", "daemon's CPU ms"]
    sheet = Sheet(f"Reload, {count:,} tunnels", "rstreamd", columns, base=None)
    with Stage(bench.processors) as stage:
        site = Site(stage, bench.tools)
        daemon = Daemon(site, Engine(site))
        daemon.write(lines(count))
        daemon.start()
        daemon.wait_for_tunnels()
        for number in range(bench.scale.rounds):
            timeout = f", upstream: {{ connectTimeout: {number + 1}s }}"
            configurations = {
                "one tunnel's timeout changed": lines(count, more=timeout),
                "nothing changed": lines(count, more=timeout),
                "one tunnel replaced by another": lines(count, f"new{number}"),
            }
            for row, configuration in configurations.items():
                daemon.write(configuration)
                before = daemon.running.processor_seconds()
                sheet.add(row, columns[0], daemon.reload() * 1000)
                daemon.wait_for_tunnels()
                time.sleep(0.1)
                sheet.add(row, columns[1], (daemon.running.processor_seconds() - before) * 1000)
    return [sheet]
