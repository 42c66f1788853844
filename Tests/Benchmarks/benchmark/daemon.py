# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""A dev engine, and rstreamd with a configuration of so many tunnels."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time

from .site import Site
from .stage import Failure, Running, wait_until

TOKEN = "benchmark-token"
# What a benchmark may open; the dev engine's own limits are a laptop's.
CONNECTIONS, TUNNELS = 40_000, 20_000


class Engine:
    def __init__(self, site: Site):
        self.folder = site.stage.folder / f"engine-{site.stage.count}"
        self.folder.mkdir()
        self.running = site.far(
            [
                site.tools.engine, "--listen", f"{site.network.engine_host}:0", "--state", self.folder,
                "--token", TOKEN, "--max-connections", CONNECTIONS, "--max-tunnels", TUNNELS,
            ],
            pipes=True,
        )  # fmt: skip
        announced = self.running.line()
        self.host = site.network.engine_host
        self.port = int(announced["engine"].rpartition(":")[2])
        self.authority = announced["ca"]

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


class Daemon:
    """`tunnels` are lines of the configuration; see `write`."""

    def __init__(self, site: Site, engine: Engine):
        self.site, self.engine = site, engine
        self.folder = site.stage.folder / f"daemon-{site.stage.count}"
        self.folder.mkdir()
        self.configuration = self.folder / "rstreamd.yaml"
        # systemd's side of readiness.
        self.notices = site.stage.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self.notices.bind(str(self.folder / "notify.sock"))
        self.running: Running | None = None

    def write(self, tunnels: list[str]) -> None:
        lines = "".join(f"  - {{ {tunnel} }}\n" for tunnel in tunnels)
        self.configuration.touch(mode=0o600)
        self.configuration.write_text(
            f"""
version: 1
context: main
contexts:
  main:
    engine: {self.engine.address}
    token: {TOKEN}
    transport: {{ tls: {{ caFile: {self.engine.authority}, serverName: localhost }} }}
tunnels:
{lines}"""
        )

    def start(self) -> float:
        """Returns the seconds from the program's start to READY=1."""
        self.notices.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while self.notices.recv(4096):
                pass
        (self.folder / "admin.sock").unlink(missing_ok=True)
        environment = {
            "STATE_DIRECTORY": str(self.folder), "RUNTIME_DIRECTORY": str(self.folder),
            "NOTIFY_SOCKET": str(self.folder / "notify.sock"),
        }  # fmt: skip
        start = time.perf_counter()
        self.running = self.site.near(
            [self.site.tools.rstreamd, "--config", self.configuration, "--log-format", "json"], environment=environment
        )
        wait_until("READY=1", self.running, lambda: b"READY=1" in self.notices.recv(4096))
        return time.perf_counter() - start

    def call(self, method: str, path: str, body: str = "") -> tuple[int, dict | list | None]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(120)
            connection.connect(str(self.folder / "admin.sock"))
            client = http.client.HTTPConnection("rstreamd")
            client.sock = connection
            client.request(method, path, body or None, {"Content-Type": "application/json"})
            answer = client.getresponse()
            content = answer.read()
            return answer.status, json.loads(content) if content.strip() else None

    def wait_for_tunnels(self) -> None:
        wait_until("all tunnels", self.running, lambda: self.call("GET", "/v1/health/ready")[0] == 200, 300)

    def port(self, name: str) -> int:
        def published() -> int:
            return int(self.call("GET", f"/v1/tunnels/{name}")[1]["properties"]["port"])

        return wait_until(f"tunnel {name}", self.running, published)

    def reload(self) -> float:
        """Returns the seconds that the answer took."""
        start = time.perf_counter()
        status, content = self.call("POST", "/v1/reload", "{}")
        if status != 200:
            raise Failure(f"the reload was refused: {content}")
        return time.perf_counter() - start
