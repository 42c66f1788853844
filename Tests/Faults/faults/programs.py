# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""The release programs as processes of a world: how they start, what they say, and how they are ended."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .admin import Answer, call
from .waiting import Broken, until
from .world import Namespace, World

PR_SET_PDEATHSIG = 1
TOKEN = "faults-token"
NAMES = ("rstreamd", "rstreamctl", "rstream-dev-engine")
libc = ctypes.CDLL(None)
# Where the release programs are; the runner sets it.
folder = Path()


class Program:
    """A process that ends with the case. Its standard error is a file, `log`, unless the case takes that itself."""

    count = 0

    def __init__(
        self, world: World, host: Namespace | None, words: Sequence[object], *, stdout: int | None = None,
        stderr: int | None = None, environment: Mapping[str, str] = {}, before: Callable[[], None] | None = None,
    ):  # fmt: skip
        Program.count += 1
        self.log = world.folder / f"{Program.count}.log"
        words = [str(word) for word in words]
        if host:
            words = [*host.enter, *words]

        def prepare() -> None:
            # In the child, which goes with the case's first thread however that ends.
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if before:
                before()

        with self.log.open("wb") as errors:
            self.popen = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=stdout if stdout is not None else errors,
                stderr=stderr if stderr is not None else errors, preexec_fn=prepare,
                env={**os.environ, **environment},
            )  # fmt: skip
        self.pid = self.popen.pid
        world.callback(self.kill)

    @property
    def is_running(self) -> bool:
        return self.popen.poll() is None

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            self.popen.kill()
        self.popen.wait()

    def stop(self) -> None:
        """Nothing of it runs until `resume`; what it has open stays open."""
        os.kill(self.pid, signal.SIGSTOP)
        until("a stopped process", lambda: self.state == "T")

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def terminate(self, patience: float = 30) -> int:
        """Its exit status after SIGTERM."""
        self.popen.terminate()
        try:
            return self.popen.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            raise Broken(f"SIGTERM did not end {self.popen.args} within {patience:.0f} s") from None

    # What the kernel says of it.

    @property
    def state(self) -> str:
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]

    @property
    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    @property
    def memory(self) -> float:
        """Anonymous memory in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"^RssAnon:\s+(\d+)", status, re.M)[1]) / 1024

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def limit_descriptors(self, number: int) -> None:
        subprocess.run(["prlimit", f"--pid={self.pid}", f"--nofile={number}:"], check=True, capture_output=True)


class Engine(Program):
    """The development engine. `host` is its name, which its certificate is for besides the address."""

    def __init__(self, world: World, arguments: Sequence[str] = (), *, listen: str = "", state: str = "engine",
                 host: str = "localhost"):  # fmt: skip
        place = world.folder / state
        place.mkdir(mode=0o700, exist_ok=True)
        listen = listen or f"{world.engine.address}:0"
        super().__init__(
            world, world.engine,
            [folder / "rstream-dev-engine", "--listen", listen, "--state", place, "--token", TOKEN, "--host", host,
             *arguments],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        if not select.select([self.popen.stdout], [], [], 30)[0] or not (line := self.popen.stdout.readline()):
            raise Broken(f"the engine did not start: {self.said}")
        announced = json.loads(line)
        self.address, _, port = announced["engine"].rpartition(":")
        self.port, self.authority = int(port), announced["ca"]
        self.world = world

    def ask(self, method: str, path: str, body: str = "") -> None:
        """A call of the API that only this engine has."""
        words = [
            *self.world.engine.enter, "curl", "--silent", "--show-error", "--fail", "--noproxy", "*",
            "--max-time", "20", "--cacert", self.authority, "--resolve", f"localhost:{self.port}:{self.address}",
            "--header", f"Authorization: Bearer {TOKEN}", "--request", method, "--data-binary", body,
            f"https://localhost:{self.port}/api/dev/{path}",
        ]  # fmt: skip
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            raise Broken(f"{method} {path}: {done.stderr.strip()}")

    def set_faults(self, *faults: str) -> None:
        self.ask("PUT", "faults", json.dumps(faults))


class Daemon(Program):
    """`rstreamd`, its log line by line, and its admin socket."""

    def __init__(self, world: World, configuration: Path, arguments: Sequence[str] = (), *, state: Path | None = None,
                 environment: Mapping[str, str] = {}, words: Sequence[object] = (), **settings: object):  # fmt: skip
        state, runtime = state or world.folder / "state", world.folder / "run"
        for place in (state, runtime):
            place.mkdir(mode=0o700, exist_ok=True)
        self.socket = runtime / "admin.sock"
        super().__init__(
            world, world.agent,
            [*words, folder / "rstreamd", "--config", configuration, *(arguments or ("--log-format", "json"))],
            environment={"STATE_DIRECTORY": str(state), "RUNTIME_DIRECTORY": str(runtime), **environment}, **settings,
        )  # fmt: skip

    def call(self, method: str, path: str, body: object = None, patience: float = 30) -> Answer:
        return call(self.socket, method, path, body, patience)

    # Its log.

    @property
    def lines(self) -> list[dict]:
        entries = []
        for line in self.said.splitlines():
            with contextlib.suppress(ValueError):
                if isinstance(entry := json.loads(line), dict) and "message" in entry:
                    entries.append(entry)
        return entries

    @property
    def mark(self) -> int:
        """The place in the log from which `logged` looks."""
        return len(self.lines)

    def logged(
        self, message: str, since: int = 0, patience: float = 60, wanted: Callable[[dict], bool] = lambda _: True
    ) -> dict:
        """The first such line from a mark on, once there is one."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            for entry in self.lines[since:]:
                if entry["message"] == message and wanted(entry):
                    return entry
            if not self.is_running:
                raise Broken(f"the daemon ended with {self.popen.returncode}: {self.tail()}")
            time.sleep(0.02)
        raise Broken(f'the daemon did not log "{message}" within {patience:.0f} s: {self.tail()}')

    def count(self, message: str, since: int = 0) -> int:
        return sum(entry["message"] == message for entry in self.lines[since:])

    def tail(self, lines: int = 3) -> str:
        return "\n".join(self.said.splitlines()[-lines:])

    # What it says at its socket.

    def wait_until_ready(self, patience: float = 60) -> None:
        def is_ready() -> bool:
            if not self.is_running:
                raise Broken(f"the daemon ended with {self.popen.returncode}: {self.tail()}")
            return self.call("GET", "/v1/health/ready").status == 200

        until("a daemon that is ready", is_ready, patience)

    def session(self, context: str = "main") -> dict:
        return next(each for each in self.call("GET", "/v1/sessions").content if each["context"] == context)

    def tunnel(self, name: str) -> dict:
        return self.call("GET", f"/v1/tunnels/{name}").content

    def reload(self, patience: float = 60) -> Answer:
        return self.call("POST", "/v1/reload", {}, patience)


def control(world: World, *words: str, **settings: object) -> Program:
    """`rstreamctl`, at the daemon's socket."""
    socket = world.folder / "run" / "admin.sock"
    return Program(world, world.agent, [folder / "rstreamctl", "--socket", socket, *words], **settings)
