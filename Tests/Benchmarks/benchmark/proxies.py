# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Relays that accept a visitor and dial TLS: the same work in the other direction."""

from __future__ import annotations

from pathlib import Path

from .relay import CONNECTIONS, Relay
from .stage import free_port, listens, wait_until
from .tools import Tools, version


class Proxy(Relay):
    is_reverse = False


class HAProxy(Proxy):
    name = "HAProxy"
    path = "visitor → **HAProxy** → TLS → HAProxy → service; sessions resumed"

    @staticmethod
    def version(tools: Tools) -> str:
        return version(["haproxy", "-v"])

    def configuration(self, name: str, listen: str, to: str) -> list:
        text = f"""
global
    maxconn {CONNECTIONS}
    nbthread 1
defaults
    mode tcp
    timeout connect 30s
    timeout client 10m
    timeout server 10m
listen relay
    bind {listen}
    server next {to}
"""
        return ["haproxy", "-db", "-f", self.site.stage.write(f"haproxy-{name}.cfg", text)]

    def begin(self) -> None:
        site, host = self.site, self.site.network.engine_host
        self.engine = f"{host}:{free_port() if host == '127.0.0.1' else 7001}"
        whole = site.stage.write("haproxy.pem", site.certificate.read_text() + site.key.read_text())
        listen = f"{self.engine} ssl crt {whole} ssl-min-ver TLSv1.3"
        self.far = site.far(self.configuration("far", listen, site.engine_service[0]))
        wait_until("HAProxy", self.far, lambda: listens(self.far, self.engine))

    def start(self) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        tls = f"ssl verify required ca-file {self.site.authority} verifyhost localhost sni str(localhost)"
        self.listen(self.configuration("near", self.address, f"{self.engine} {tls}"))


class Nginx(Proxy):
    name = "nginx stream"
    path = "visitor → **nginx** → TLS → TLS service; sessions resumed"
    module = Path("/usr/lib/nginx/modules/ngx_stream_module.so")

    @staticmethod
    def version(tools: Tools) -> str:
        return version(["nginx", "-v"]) if Nginx.module.exists() else ""

    def start(self) -> None:
        site, folder = self.site, self.site.stage.folder
        self.address = f"127.0.0.1:{free_port()}"
        settings = site.stage.write(
            "nginx.conf",
            f"""
load_module {self.module};
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr error;
worker_rlimit_nofile {2 * CONNECTIONS};
events {{ worker_connections {2 * CONNECTIONS}; }}
stream {{
    server {{
        listen {self.address};
        proxy_pass {site.tls_service[0]};
        proxy_ssl on;
        proxy_ssl_protocols TLSv1.3;
        proxy_ssl_verify on;
        proxy_ssl_trusted_certificate {site.authority};
        proxy_ssl_name localhost;
        proxy_ssl_server_name on;
    }}
}}
""",
        )
        self.listen(["nginx", "-p", folder, "-e", "stderr", "-c", settings])


class Stunnel(Proxy):
    name = "stunnel"
    path = "visitor → **stunnel** → TLS → TLS service; a thread for each stream, sessions resumed"

    @staticmethod
    def version(tools: Tools) -> str:
        return version(["stunnel", "-version"])

    def start(self) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        settings = self.site.stage.write(
            "stunnel.conf",
            f"""
foreground = yes
pid =
debug = err
[relay]
client = yes
accept = {self.address}
connect = {self.site.tls_service[0]}
sslVersionMin = TLSv1.3
verifyChain = yes
CAfile = {self.site.authority}
checkHost = localhost
sni = localhost
""",
        )
        self.listen(["stunnel", settings])


class Limit(Proxy):
    name = "C relay"
    path = "visitor → **one epoll loop in C** → TLS → TLS service; what is possible with rstreamd's TLS library"
    handshakes = "fresh"

    @staticmethod
    def version(tools: Tools) -> str:
        return "here"

    def start(self) -> None:
        self.running = self.site.near(
            [self.site.tools.relay, "127.0.0.1:0", self.site.tls_service[0], self.site.authority, self.handshakes],
            pipes=True,
        )
        self.address = f"127.0.0.1:{self.running.line()['port']}"


class ResumingLimit(Limit):
    name = "C relay (resuming)"
    path = "the same, with resumed TLS sessions"
    handshakes = "resumed"


class Direct(Proxy):
    """No relay: what the measuring itself costs."""

    name = "no relay"
    path = "visitor → service, plain TCP"

    @staticmethod
    def version(tools: Tools) -> str:
        return "here"

    def start(self) -> None:
        self.address = self.site.engine_service[0]
