# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Processes that end with the benchmark, each on the processor it belongs to, and what they cost."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

PATIENCE = 60
# Of what visitors do: 5,000 streams echo 5 GiB.
LONG_PATIENCE = 150
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


class Failure(Exception):
    """Something that a measure needs did not work; the sentence goes into the table."""


class Running:
    """A process, with the children that it has."""

    def __init__(self, popen: subprocess.Popen, log: Path):
        self.popen, self.pid, self.log = popen, popen.pid, log

    def pids(self) -> list[int]:
        found, ahead = [], [self.pid]
        while ahead:
            found.append(pid := ahead.pop())
            with contextlib.suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    ahead += map(int, (task / "children").read_text().split())
        return found

    def processor_seconds(self) -> float:
        """By the kernel's clock of each process, which counts nanoseconds where /proc/PID/stat counts hundredths."""
        total = 0.0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                total += time.clock_gettime((~pid << 3) | 2)
        return total

    def memory(self, field: str = "Pss_Anon") -> int:
        """Bytes of a line of smaps_rollup. Pages that processes share count once."""
        total = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                found = re.search(rf"^{field}:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
                total += int(found[1]) * 1024 if found else 0
        return total

    def tail(self) -> str:
        with contextlib.suppress(OSError):
            lines = self.log.read_text(errors="replace").strip().splitlines()
            return lines[-1][:200] if lines else "it said nothing"
        return ""

    def line(self) -> dict:
        """The next line of standard output, which is JSON. There are no two at once, so nothing waits in a buffer."""
        waiting = select.poll()
        waiting.register(self.popen.stdout, select.POLLIN)
        if not waiting.poll(LONG_PATIENCE * 1000):
            raise Failure(f"took longer than {LONG_PATIENCE} s")
        text = self.popen.stdout.readline()
        if not text:
            raise Failure(f"{Path(self.popen.args[0]).name} ended: {self.tail()}")
        return json.loads(text)

    def order(self, text: str) -> dict:
        self.popen.stdin.write(text + "\n")
        self.popen.stdin.flush()
        return self.line()

    def stop(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.popen.poll() is None:
                self.popen.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.popen.wait(timeout=3)
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()


def prepare() -> list[int]:
    """Once for this program: all descriptors that it may have, and its processor. Returns all processors."""
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {processors[-1]})
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return processors


class Stage(contextlib.ExitStack):
    """A folder and processes, all gone at the end. Relays have the first processor for themselves; what is around them,
    this program too, shares the last. Without processors given, all share all."""

    def __init__(self, processors: Sequence[int] = (), name: str = "benchmark"):
        super().__init__()
        self.processors = processors
        self.folder = Path(self.enter_context(tempfile.TemporaryDirectory(prefix=f"rstreamd-{name}-")))
        self.count = 0

    def start(
        self, command: list, *, relay: bool = False, namespace: str | None = None, environment: dict | None = None,
        pipes: bool = False, working: Path | None = None,
    ) -> Running:  # fmt: skip
        command = [str(word) for word in command]
        if not shutil.which(command[0]):
            raise Failure(f"{command[0]} is not there")
        if namespace:
            command = ["ip", "netns", "exec", namespace, *command]
        processor = self.processors[0 if relay else -1] if self.processors else None

        def place() -> None:
            # In the child: it goes with this program however that ends.
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if processor is not None:
                os.sched_setaffinity(0, {processor})

        self.count += 1
        log = self.folder / f"{self.count}.log"
        with log.open("w") as errors:
            popen = subprocess.Popen(
                command, preexec_fn=place, stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipes else errors, stderr=errors, text=True, cwd=working or self.folder,
                env={**os.environ, **(environment or {})},
            )  # fmt: skip
        running = Running(popen, log)
        self.callback(running.stop)
        return running

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path


def wait_until(what: str, running: Running, is_met, patience: float = PATIENCE):
    """Looks often, so that the time until then can be measured."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if running.popen.poll() is not None:
            raise Failure(f"{Path(running.popen.args[0]).name} ended: {running.tail()}")
        with contextlib.suppress(OSError, ValueError, KeyError):
            if found := is_met():
                return found
        time.sleep(0.002)
    raise Failure(f"{what} did not come: {running.tail()}")


def free_port(host: str = "127.0.0.1") -> int:
    """For programs that cannot choose one themselves."""
    with socket.create_server((host, 0)) as listener:
        return listener.getsockname()[1]


def listens(running: Running, address: str) -> bool:
    """By the kernel's table of the process's network: a connection would be a stream already."""
    host, port = address.rsplit(":", 1)
    place = f"{int.from_bytes(socket.inet_aton(host), 'little'):08X}:{int(port):04X}"
    rows = Path(f"/proc/{running.pid}/net/tcp").read_text().splitlines()[1:]
    return any(row.split()[1] == place and row.split()[3] == "0A" for row in rows)
