# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""HAProxy in the place of engine and daemon: the same visitors, and reloads as Debian's unit does them."""

from __future__ import annotations

import asyncio
import ssl
import subprocess

from benchmark.site import make_certificates
from benchmark.stage import Failure, Stage
from load.connection import Endpoint
from load.programs import CONNECTIONS, Upstream, fixed_port
from load.waiting import until


class HAProxy:
    """A master and its workers: a relay of TCP, and one of TLS that it terminates."""

    def __init__(self, stage: Stage, upstream: Upstream):
        self.stage, self.upstream = stage, upstream
        make_certificates(stage.folder)
        certificate = (stage.folder / "server.pem").read_text() + (stage.folder / "server.key").read_text()
        self.certificate = stage.write("haproxy.pem", certificate)
        self.raw, self.web = fixed_port(), fixed_port()
        self.master = stage.folder / "master.sock"
        self.configuration = stage.folder / "haproxy.cfg"
        self.write()

    def write(self, more: str = "") -> None:
        self.stage.write(
            self.configuration.name,
            f"""
global
    maxconn {CONNECTIONS}
    stats socket {self.stage.folder / "haproxy.sock"} mode 600 level admin expose-fd listeners
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen raw
    bind 127.0.0.1:{self.raw}
    server service {self.upstream.address}
listen web
    bind 127.0.0.1:{self.web} ssl crt {self.certificate}
    server service {self.upstream.address}
{more}
""",
        )

    def endpoints(self) -> dict[str, Endpoint]:
        trust = ssl.create_default_context(cafile=self.stage.folder / "ca.pem")
        # The authority of a benchmark has no key usage, which Python asks for since 3.13.
        trust.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return {"raw": Endpoint("127.0.0.1", self.raw), "web": Endpoint("127.0.0.1", self.web, "localhost", trust)}

    async def start(self) -> None:
        self.stage.start(["haproxy", "-W", "-S", self.master, "-f", self.configuration])
        await until("HAProxy", self.is_there)

    async def is_there(self) -> bool:
        _, writer = await asyncio.open_connection("127.0.0.1", self.web)
        writer.close()
        return True

    async def reload(self) -> bool:
        """Whether another worker serves. As `systemctl reload` does it: what is wrong is found before."""
        check = await asyncio.create_subprocess_exec(
            "haproxy", "-c", "-q", "-f", self.configuration, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        if await check.wait():
            return False
        reader, writer = await asyncio.open_unix_connection(str(self.master))
        try:
            writer.write(b"reload\n")
            async with asyncio.timeout(30):
                answer = (await reader.read()).decode()
        finally:
            writer.close()
        if "Success=0" in answer:
            raise Failure(f"HAProxy does not reload: {answer.strip()[:200]}")
        return True
