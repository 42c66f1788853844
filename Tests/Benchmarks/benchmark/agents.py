# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Reverse tunnels: they dial the engine's end, where their visitors connect."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
from pathlib import Path

from .daemon import TOKEN, Daemon, Engine
from .envoy import initiator, responder
from .relay import Relay
from .stage import free_port, listens, wait_until
from .tools import PYTHON, Tools, version


class Rstreamd(Relay):
    name = "rstreamd"
    path = "visitor → dev engine → TLS → **rstreamd** → service; a new TLS connection for each stream"

    @staticmethod
    def version(tools: Tools) -> str:
        return version([tools.rstreamd, "--version"]) or "?"

    def begin(self) -> None:
        engine = Engine(self.site)
        self.far = engine.running
        self.daemon = Daemon(self.site, engine)
        self.daemon.write([f"name: raw, forward: '{self.site.agent_service[0]}', tunnel: {{ protocol: tcp }}"])

    def start(self) -> None:
        self.daemon.start()
        self.running = self.daemon.running
        self.daemon.wait_for_tunnels()
        self.address = f"{self.site.network.engine_host}:{self.daemon.port('raw')}"


class SDK(Relay):
    name = "official SDK"
    path = "visitor → dev engine → TLS → **`forward_to` in Python** → service; a new TLS connection for each stream"

    @staticmethod
    def version(tools: Tools) -> str:
        code = "from importlib.metadata import version as v; print(v('rstreamlabs-rstream'))"
        return version([PYTHON, "-c", code])

    def begin(self) -> None:
        self.engine = Engine(self.site)
        self.far = self.engine.running

    def start(self) -> None:
        agent = Path(__file__).with_name("sdk_agent.py")
        engine, service = self.engine, self.site.agent_service[0]
        self.running = self.site.near([PYTHON, agent, engine.address, engine.authority, TOKEN, service], pipes=True)
        self.address = f"{self.site.network.engine_host}:{self.running.line()['port']}"


class SSH(Relay):
    name = "ssh -R"
    path = "visitor → sshd → **ssh** → service; a channel of one connection for each stream, AES-128-GCM"

    @staticmethod
    def version(tools: Tools) -> str:
        return version(["ssh", "-V"]) if shutil.which("sshd") else ""

    def begin(self) -> None:
        folder = self.folder = self.site.stage.folder / f"ssh-{self.site.stage.count}"
        folder.mkdir()
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
        if os.geteuid() == 0:
            # The package's service makes it otherwise.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        host = self.site.network.engine_host
        self.port = free_port() if host == "127.0.0.1" else 2222
        settings = self.site.stage.write(
            f"{folder.name}.conf",
            f"""
ListenAddress {host}:{self.port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
StrictModes no
UsePAM no
PermitRootLogin yes
PidFile none
MaxSessions 10
""",
        )
        self.far = self.site.far([shutil.which("sshd"), "-D", "-e", "-f", settings])
        wait_until("sshd", self.far, lambda: listens(self.far, f"{host}:{self.port}"))

    def start(self) -> None:
        self.running = self.site.near(
            [
                "ssh", "-N", "-F", "none", "-i", self.folder / "user", "-p", self.port, "-c", "aes128-gcm@openssh.com",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=INFO",
                "-o", "IdentitiesOnly=yes", "-o", "ExitOnForwardFailure=yes",
                "-R", f"127.0.0.1:0:{self.site.agent_service[0]}",
                f"{getpass.getuser()}@{self.site.network.engine_host}",
            ]
        )  # fmt: skip
        log = self.running.log
        found = wait_until("the forwarding", self.running, lambda: re.search(r"Allocated port (\d+)", log.read_text()))
        self.address = f"127.0.0.1:{found[1]}"


class Envoy(Relay):
    name = "Envoy reverse tunnel"
    path = "visitor → Envoy → TLS → **Envoy** → service; an HTTP/2 stream of one connection for each stream"

    @staticmethod
    def version(tools: Tools) -> str:
        return version([tools.envoy(), "--version"], r"/(\d+\.\d+\.\d+)/") if tools.envoy() else ""

    def command(self, name: str, configuration: str) -> list:
        path = self.site.stage.write(f"envoy-{name}.yaml", configuration)
        return [
            self.site.tools.envoy(), "-c", path, "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error",
        ]  # fmt: skip

    def begin(self) -> None:
        site, host = self.site, self.site.network.engine_host
        ports = (free_port(), free_port()) if host == "127.0.0.1" else (7002, 7003)
        self.engine, self.address = f"{host}:{ports[0]}", f"{host}:{ports[1]}"
        self.far = site.far(self.command("far", responder(self.engine, self.address, site.certificate, site.key)))
        wait_until("Envoy", self.far, lambda: listens(self.far, self.address))

    def start(self) -> None:
        self.running = self.site.near(
            self.command("near", initiator(self.engine, self.site.agent_service[0], self.site.authority))
        )
        wait_until("the reverse tunnel", self.running, self.answers)

    def answers(self) -> bool:
        """Nothing but a stream shows that the tunnel is there."""
        probe = self.load("first", 1, 0, pipes=False)
        return probe.popen.wait() == 0
