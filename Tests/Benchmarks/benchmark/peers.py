# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""The relays that are compared: how each is started, and where its visitors connect."""

from __future__ import annotations

import getpass
import os
import re
import resource
import shutil
import subprocess
from pathlib import Path

from .daemon import TOKEN, Daemon, Engine
from .envoy import initiator, responder
from .site import Site
from .stage import Failure, Running, free_port, listens, wait_until
from .tools import PYTHON, Tools, version

# For programs that want to be told; each takes two descriptors.
CONNECTIONS = (resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100) // 2
# Where sshd and nginx are for those who have no sbin in their path.
os.environ["PATH"] += ":/usr/sbin:/sbin"


class Relay:
    """A program between a plain connection and one in TLS: `begin`, then `start` and `stop` any number of times."""

    name: str
    # How it stands in the table of relays.
    path: str
    # A reverse tunnel dials the engine and waits there for visitors; the others accept a visitor and dial.
    is_reverse = True

    def __init__(self, site: Site):
        self.site = site
        self.running: Running | None = None
        self.far: Running | None = None
        self.address = ""

    @staticmethod
    def version(tools: Tools) -> str:
        """Empty when it is not installed."""
        raise NotImplementedError

    def begin(self) -> None:
        """Starts the half that is not measured, unless it is the TLS service."""
        self.far = self.site.tls_service[1]

    def start(self) -> None:
        """Starts the half that is measured, and returns when a visitor can connect."""
        raise NotImplementedError

    def stop(self) -> None:
        if self.running:
            self.running.stop()

    @property
    def visitors(self) -> str | None:
        """The namespace of its visitors."""
        network = self.site.network
        return network.engine_namespace if self.is_reverse else network.agent_namespace

    def load(self, what: str, *numbers: int, pipes: bool = True) -> Running:
        command = [self.site.tools.load, what, self.address, *numbers]
        return self.site.stage.start(command, namespace=self.visitors, pipes=pipes)

    def listen(self, command: list, **options) -> None:
        """Starts a program that accepts visitors at the agent's end, at an address that it was told."""
        self.running = self.site.near(command, **options)
        wait_until(self.address, self.running, lambda: listens(self.running, self.address))


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


class HAProxy(Relay):
    name = "HAProxy"
    path = "visitor → **HAProxy** → TLS → HAProxy → service; sessions resumed"
    is_reverse = False

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


class Nginx(Relay):
    name = "nginx stream"
    path = "visitor → **nginx** → TLS → TLS service; sessions resumed"
    is_reverse = False
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


class Stunnel(Relay):
    name = "stunnel"
    path = "visitor → **stunnel** → TLS → TLS service; a thread for each stream, sessions resumed"
    is_reverse = False

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
        probe = self.load("first", 1, 0)
        return probe.popen.wait() == 0


class Limit(Relay):
    name = "C relay"
    path = "visitor → **one epoll loop in C** → TLS → TLS service; what is possible with rstreamd's TLS library"
    is_reverse = False
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


class Direct(Relay):
    """No relay: what the measuring itself costs."""

    name = "no relay"
    path = "visitor → service, plain TCP"
    is_reverse = False

    @staticmethod
    def version(tools: Tools) -> str:
        return "here"

    def start(self) -> None:
        self.address = self.site.engine_service[0]


RELAYS = (Rstreamd, SDK, SSH, Envoy, HAProxy, Nginx, Stunnel, Limit, ResumingLimit)
NOT_INSTALLED = "not installed: packaging/dependencies bench, make .build-bench/venv/ready"


def started(site: Site, relay_class: type[Relay]) -> Relay:
    if not relay_class.version(site.tools):
        raise Failure(NOT_INSTALLED)
    relay = relay_class(site)
    relay.begin()
    relay.start()
    return relay
