# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""The package in a Debian of its own, where systemd runs the daemon (Tests/Guests/boot)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmark.stage import Failure, Stage
from benchmark.tools import ROOT

from .daemon import Asked, Outcome, configuration
from .programs import Engine
from .waiting import PATIENCE, until

# Carries out lines that it reads, and answers each with one of JSON.
SHELL = """\
while IFS= read -r line; do
    output=$(bash -c "$line" 2>&1 </dev/null)
    printf '{"status":%d,"output":"%s"}\\n' "$?" "$(printf %s "$output" | base64 --wrap=0)"
done
"""
INSTALL = "dpkg --install /opt/packages/rstreamd_*.deb"
PREPARE = (
    INSTALL,
    "cp /opt/files/ca.pem /etc/rstream/ca.pem",
    "install --group rstream --mode 640 /opt/files/rstreamd.yaml /etc/rstream/rstreamd.yaml",
    "systemctl restart rstreamd",
)


class Guest(Asked):
    """Its network is the namespace, and process numbers are its own. Commands run one after another."""

    def __init__(self, stage: Stage, packages: Path, engine: Engine, namespace: str):
        super().__init__()
        if not list(packages.glob("rstreamd_*.deb")):
            raise Failure(f"{packages} has no package; `make deb` makes it")
        if os.geteuid() != 0 or not shutil.which("debootstrap"):
            raise Failure("a Debian under systemd needs root and debootstrap")
        self.stage, self.packages, self.engine, self.namespace = stage, packages, engine, namespace
        self.folder = stage.folder / "guest"
        self.folder.mkdir()
        self.turn = asyncio.Lock()

    async def start(self, tunnels: Sequence[str]) -> None:
        (self.folder / "rstreamd.yaml").write_text(configuration(self.engine, "/etc/rstream/ca.pem", tunnels))
        (self.folder / "ca.pem").write_bytes(Path(self.engine.authority).read_bytes())
        (self.folder / "shell").write_text(SHELL)
        binds = ["--bind", f"{self.folder}:/opt/files:ro", "--bind", f"{self.packages}:/opt/packages:ro"]
        boot = [ROOT / "Tests/Guests/boot", *binds, "--netns", self.namespace, "--", "bash", "/opt/files/shell"]
        self.running = self.stage.start(boot, pipes=True)
        # Before it is told to stop, which it has less time for.
        self.stage.callback(self.close)
        for command in PREPARE:
            if (done := await self.run(command)).status:
                raise Failure(f"{command}: {done.output.strip()[-300:]}")
        await until("a daemon that is ready", self.is_ready)

    def close(self) -> None:
        """It ends with its shell."""
        self.running.popen.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.running.popen.wait(timeout=PATIENCE)

    async def run(self, command: str) -> Outcome:
        async with self.turn:
            answer = await asyncio.to_thread(self.running.order, command)
        return Outcome(answer["status"], base64.b64decode(answer["output"]).decode(errors="replace"), "")

    async def is_ready(self) -> bool:
        return (await self.run("rstreamctl wait --timeout 0s")).status == 0

    async def status(self) -> dict:
        return json.loads((await self.run("rstreamctl status -o json")).output)

    async def wait_for_end(self, pids: set[int]) -> None:
        there = " || ".join(f"[ -e /proc/{pid} ]" for pid in pids)

        async def are_gone() -> bool:
            return (await self.run(there)).status != 0

        if pids:
            await until("the end of the daemon", are_gone)
        self.pids -= pids
