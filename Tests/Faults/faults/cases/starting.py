# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""The daemon starts where something is missing or wrong already."""

import os
import subprocess
import time
from pathlib import Path

from .. import programs
from ..case import Report, case
from ..stage import BACK, Stage, finish, write
from ..waiting import until
from ..world import World
from .configuration import THINGS, clear

THEME = "Starts"
# The exit status for what the machine lacks.
LACKS = 71
SECONDS = 20


@case(THEME, "without a network the daemon starts, and serves once there is one", quick=True)
def start_without_network(world: World, report: Report) -> None:
    world.agent.ip("link set cable down")
    world.agent.ip("link set lo down")
    stage = Stage(world, starts=False)
    stage.start(ready=False)
    stage.daemon.logged("session down, retrying")
    world.agent.ip("link set lo up")
    world.agent.ip("link set cable up")
    world.agent.ip("addr replace 10.98.0.1/24 dev cable")
    report.did = "the host had no network, not even its own, when the daemon started"
    report.served_after(stage.first_served(time.monotonic()), BACK)
    stage.finish(report)


# What stands in files of the state directory.
DAMAGED = {
    "nothing": b"",
    "half of it": b'{"version":1,"hostna',
    "zeros": bytes(4096),
    "10,000 brackets": b"[" * 10_000,
    "another kind": b'"text"',
    "numbers that overflow": b'{"version":99999999999999999999999,"sessions":[{"at":1e999}]}',
    "10 MB": b"[" + b"1," * 5_000_000 + b"1]",
}
FILES = ("hostnames.json", "reconnect.json", "disabled.json")


@case(THEME, "damaged files of the state directory cost what was in them, and not the start", quick=True, patience=240)
def start_with_damaged_state(world: World, report: Report) -> None:
    stage = Stage(world, starts=False)
    state = world.folder / "state"
    longest = 0.0
    kinds = [*DAMAGED, *THINGS]
    for kind in kinds:
        state.mkdir(mode=0o700, exist_ok=True)
        for name in FILES:
            clear(state / name)
            if kind in DAMAGED:
                write(state / name, DAMAGED[kind])
            else:
                THINGS[kind](state / name)
        began = time.monotonic()
        stage.start(ready=False)
        longest = max(longest, stage.first_served(began, 30))
        finish(stage.daemon, report)
    report.did = f"{', '.join(FILES)} held, or were: {', '.join(kinds)}"
    report.served_after(longest, BACK)


@case(THEME, "with few descriptors the daemon serves, or ends with 71 and a sentence", quick=True, patience=240)
def start_with_few_descriptors(world: World, report: Report) -> None:
    starts(world, report, {number: (["prlimit", f"--nofile={number}:{number}"], None) for number in range(1, 60)})
    report.did = f"the daemon started with a limit of 1 to 59 descriptors; {report.did}"


@case(THEME, "with few threads the daemon serves, or ends with 71 and a sentence", quick=True, patience=240)
def start_with_few_threads(world: World, report: Report) -> None:
    group = world.group("pids")

    def limited(number: int):
        def join() -> None:
            (group / "pids.max").write_text(str(number))
            (group / "cgroup.procs").write_text(str(os.getpid()))

        return join

    starts(world, report, {number: ([], limited(number)) for number in range(1, 20)})
    report.did = f"the daemon started in a control group of 1 to 19 threads; {report.did}"


def starts(world: World, report: Report, ways: dict[int, tuple[list[str], object]]) -> None:
    stage = Stage(world, starts=False)
    served, ended = [], []
    for number, (words, before) in ways.items():
        stage.start(ready=False, words=words, before=before)
        daemon, began = stage.daemon, time.monotonic()
        until("a daemon that serves or ends", lambda: not daemon.is_running or is_ready(stage), SECONDS)
        if daemon.is_running:
            served.append(number)
            finish(daemon, report)
            continue
        status, said = daemon.popen.returncode, daemon.said
        ended.append(number)
        # A loader that cannot open the program's libraries ends it with 127, before its first line.
        early = status == 127 and "cannot open shared object file" in said
        report.holds("every other end was 71 with a sentence", early or (status == LACKS and len(said) > 20),
                     f"{number}: {status} {said[-300:]}")  # fmt: skip
        report.holds(f"each ended within {SECONDS} s", time.monotonic() - began < SECONDS, number)
    report.did = f"it served from {min(served, default='none')} on, and ended with up to {max(ended, default='none')}"
    report.holds("it served in the end", served and max(served) > max(ended, default=0), (served, ended))


def is_ready(stage: Stage) -> bool:
    try:
        return stage.daemon.call("GET", "/v1/health/ready").status == 200
    except (OSError, ValueError):
        return False


# In the place of HTTPS_PROXY, with `fromEnvironment`.
PROXIES = {
    "nothing": "",
    "spaces": "   ",
    "a line break": "http://127.0.0.1:1\r\nX-Injected: yes",
    "a password with a line break": "http://user:a%0d%0aX-Injected:%20yes@127.0.0.1:1",
    "no host": "http://:1",
    "no scheme": "127.0.0.1",
    "a port of 100,000": "http://127.0.0.1:100000",
    "another scheme": "ftp://127.0.0.1:1",
    "a socket": "unix:/run/docker.sock",
    "60 KiB": f"http://{'a' * 60 * 1024}.test:1",
    "60 KiB of a password": f"http://u:{'p' * 60 * 1024}@127.0.0.1:1",
    "bytes that are no UTF-8": b"http://\xff\xfe@127.0.0.1:1",
    "control characters": "http://\x1b[2J\x07:1",
    "IPv6 without brackets": "http://::1:1",
    "brackets without end": "socks5://[::1",
}
PASSWORD = "p" * 60


@case(THEME, "whatever HTTPS_PROXY is, the daemon says what is wrong with it, or tries it", quick=True, patience=180)
def start_with_hostile_proxy_variables(world: World, report: Report) -> None:
    stage = Stage(world, transport="proxy: { fromEnvironment: true }", starts=False)
    log = world.folder / "said"
    tried = refused = 0
    for name, value in PROXIES.items():
        environment = {
            **os.environb,
            b"HTTPS_PROXY": value if isinstance(value, bytes) else value.encode(),
            b"STATE_DIRECTORY": os.fsencode(world.folder),
            b"RUNTIME_DIRECTORY": os.fsencode(world.folder),
        }
        with log.open("wb") as said:
            done = subprocess.run(
                [*world.agent.enter, programs.folder / "rstreamd", "--check", "--config", stage.configuration],
                env=environment, stdout=said, stderr=said, timeout=SECONDS,
            )  # fmt: skip
        text = log.read_text(errors="replace")
        report.holds(
            "every check ended with 0 or 78", done.returncode in (0, 78), f"{name}: {done.returncode} {text[-200:]}"
        )
        report.holds(
            "none showed a password or a terminal's controls", PASSWORD not in text and "\x1b" not in text, name
        )
        if done.returncode:
            refused += 1
            continue
        tried += 1
        stage.daemon = programs.Daemon(world, stage.configuration, words=("env", b"HTTPS_PROXY=" + (
            value if isinstance(value, bytes) else value.encode())))  # fmt: skip
        until("an attempt", lambda: said_something(stage.daemon.log), 20)
        report.holds("each start went on", stage.daemon.is_running, f"{name}: {stage.daemon.tail()}")
        report.holds("no line of the log shows a password", PASSWORD not in stage.daemon.said, name)
        finish(stage.daemon, report)
    report.did = f"HTTPS_PROXY was {', '.join(PROXIES)}: {refused} refused, {tried} tried"


def said_something(log: Path) -> bool:
    text = log.read_text(errors="replace")
    return "engine connected" in text or "session down, retrying" in text
