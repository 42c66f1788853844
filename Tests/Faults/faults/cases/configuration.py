# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Files that mean ill, before the daemon starts, and at a reload while it serves."""

import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from .. import programs
from ..case import Report, case
from ..stage import SETTINGS, Stage, write
from ..world import World

THEME = "Hostile configuration"
TUNNEL = "version: 1\ntunnels:\n  - { name: more, forward: 127.0.0.1:9, tunnel: { protocol: tcp } }\n"
# What a check may take on a busy machine, and how much memory.
SECONDS, MEBIBYTES = 20, 400


def bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "version: 1\n" + "\n".join(lines) + "\n"


def merged() -> str:
    lines = ["version: 1", "tunnels:", "  - &t0 { name: t0, forward: '1' }"]
    lines += [f"  - &t{n} {{ <<: [{', '.join([f'*t{n - 1}'] * 8)}], name: t{n} }}" for n in range(1, 20)]
    return "\n".join(lines) + "\n"


# By its name, what stands in a file.
TEXTS: dict[str, Callable[[], str | bytes]] = {
    "anchors that explode": bomb,
    "merges that explode": merged,
    "10,000 brackets": lambda: "version: 1\ntunnels: " + "[" * 10_000,
    "10,000 braces": lambda: "version: 1\ntunnels: " + "{a: " * 10_000,
    "10,000 lists, one within the other": lambda: "version: 1\ntunnels: " + "[" * 10_000 + "]" * 10_000 + "\n",
    "10,000 steps of indentation": lambda: "version: 1\n" + "".join(f"{' ' * n}a:\n" for n in range(3000)),
    "NUL bytes": lambda: b"version: 1\ntunnels:\n  - { name: a\0b, forward: '1' }\n" + bytes(1000),
    "nothing but NUL bytes": lambda: bytes(100_000),
    "bytes that are no UTF-8": lambda: b'version: 1\ntunnels: [{ name: "\xff\xfe\x80" }]\n',
    "UTF-16": lambda: TUNNEL.encode("utf-16"),
    "an alias of itself": lambda: "version: 1\ntunnels: &a [*a]\n",
    "a name of a megabyte": lambda: f"version: 1\ntunnels:\n  - {{ name: {'n' * 1_000_000}, forward: '1' }}\n",
    "a key of a megabyte": lambda: f"version: 1\n? {'k' * 1_000_000}\n: 1\n",
    "names of combining marks": lambda: (
        "version: 1\ntunnels:\n"
        + "".join(f"  - {{ name: \"{n}{chr(0x301) * 2000}\", forward: '1' }}\n" for n in range(200))
    ),
    "100,000 unknown keys": lambda: "version: 1\n" + "".join(f"key{n}: 1\n" for n in range(100_000)),
    "50,000 tunnels of one name": lambda: (
        "version: 1\ntunnels:\n" + "  - { name: a, forward: '1', tunnel: {} }\n" * 50_000
    ),
    "a million references without end": lambda: f"version: 1\ncontext: '{'${' * 1_000_000}'\n",
    "100 MB of spaces": lambda: b" " * 100_000_000,
    "a thousand documents": lambda: "---\nversion: 1\n" * 1000,
    "tags of other languages": lambda: "version: 1\ntunnels: !!python/object/apply:os.system [id]\n",
    "numbers without end": lambda: f"version: {'9' * 100_000}\n",
    "durations that overflow": lambda: "version: 1\ndrain: { timeout: 99999999999999999999999h }\n",
    "escapes of a terminal": lambda: "version: 1\n\x1b[2J\x1b]0;x\x07: 1\n",
}


def fifo(path: Path) -> None:
    os.mkfifo(path, 0o600)


def bound(path: Path) -> None:
    socket.socket(socket.AF_UNIX).bind(str(path))


def loop(path: Path) -> None:
    other = path.with_suffix(".other")
    other.unlink(missing_ok=True)
    path.symlink_to(other)
    other.symlink_to(path)


def sparse(path: Path) -> None:
    path.touch(mode=0o600)
    os.truncate(path, 1 << 40)


# By its name, what stands in the place of a file.
THINGS: dict[str, Callable[[Path], None]] = {
    "a FIFO without a writer": fifo,
    "a socket": bound,
    "a folder": lambda path: path.mkdir(mode=0o700),
    "a loop of links": loop,
    "a link to nowhere": lambda path: path.symlink_to("/nowhere/at/all"),
    "a link to /dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "a link to /dev/urandom": lambda path: path.symlink_to("/dev/urandom"),
    "a link to /dev/stdin": lambda path: path.symlink_to("/dev/stdin"),
    "a link to the daemon's memory": lambda path: path.symlink_to("/proc/self/mem"),
    "a link to the kernel's log": lambda path: path.symlink_to("/proc/kmsg"),
    "a file of a terabyte": sparse,
}


def clear(path: Path) -> None:
    for each in (path, path.with_suffix(".other")):
        if each.is_dir() and not each.is_symlink():
            each.rmdir()
        else:
            each.unlink(missing_ok=True)


def hostile(path: Path):
    """Each of them in turn, at this path."""
    for name, text in TEXTS.items():
        clear(path)
        write(path, text())
        yield name
    for name, make in THINGS.items():
        clear(path)
        make(path)
        yield name
    clear(path)


def check(world: World, file: Path, *words: str) -> tuple[int | None, float, float, str]:
    """Exit status (None: killed after a while), seconds, MiB at most, and what it said."""
    said, place = world.folder / "said", str(world.folder)
    began = time.monotonic()
    with said.open("wb") as output:
        process = subprocess.Popen(
            [programs.folder / "rstreamd", "--check", "--config", file, *words], stdin=subprocess.PIPE, stdout=output,
            stderr=output, env={**os.environ, "STATE_DIRECTORY": place, "RUNTIME_DIRECTORY": place},
        )  # fmt: skip
    while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
        if time.monotonic() > began + 2 * SECONDS:
            process.kill()
            ended = os.wait4(process.pid, 0)
            return None, time.monotonic() - began, ended[2].ru_maxrss / 1024, ""
        time.sleep(0.01)
    process.returncode = os.waitstatus_to_exitcode(ended[1])
    return (
        process.returncode,
        time.monotonic() - began,
        ended[2].ru_maxrss / 1024,
        said.read_text(errors="replace")[:1_000_000],
    )


def judge(report: Report, name: str, result: tuple[int | None, float, float, str]) -> tuple[float, float]:
    status, seconds, mebibytes, said = result
    report.holds("every check ended by itself, with 77 or 78", status in (77, 78), f"{name}: {status} {said[:300]}")
    report.holds(f"each took less than {SECONDS} s", seconds < SECONDS, f"{name}: {seconds:.1f} s")
    report.holds(f"and less than {MEBIBYTES} MiB", mebibytes < MEBIBYTES, f"{name}: {mebibytes:.0f} MiB")
    report.holds(
        "each said where, in less than 500 kB", f"{said.strip()}" and len(said) < 500_000, f"{name}: {len(said)}"
    )
    report.holds("no byte of it controls a terminal", not any(ord(c) < 32 and c not in "\n\t" for c in said), name)
    return seconds, mebibytes


@case(THEME, "`rstreamd --check` ends soon, whatever stands in the place of its file", quick=True, patience=400)
def check_hostile_files(world: World, report: Report) -> None:
    path = world.folder / "hostile.yaml"
    longest = most = 0.0
    names = []
    for name in hostile(path):
        names.append(name)
        seconds, mebibytes = judge(report, name, check(world, path))
        longest, most = max(longest, seconds), max(most, mebibytes)
    report.did = f"`--check` of {', '.join(names)}: {longest:.1f} s and {most:.0f} MiB at most"


@case(
    THEME,
    "the same in the place of an included file, at a reload: refused, and no visitor notices",
    quick=True,
    patience=400,
)
def reload_hostile_files(world: World, report: Report) -> None:
    folder = world.folder / "tunnels.d"
    folder.mkdir(mode=0o700)
    stage = Stage(world, settings=f"{SETTINGS}\ninclude: [tunnels.d/*.yaml]")
    write(folder / "fine.yaml", TUNNEL)
    report.holds("a good file is taken", stage.daemon.reload().status == 200)
    visitor, longest, most = stage.held(), 0.0, 0.0
    with stage.watched() as watch:
        for name in hostile(folder / "hostile.yaml"):
            began = time.monotonic()
            answer = stage.daemon.reload(2 * SECONDS)
            longest = max(longest, time.monotonic() - began)
            most = max(most, stage.daemon.memory)
            report.holds("every reload was refused", answer.status == 422, f"{name}: {str(answer)[:300]}")
    count = len(TEXTS) + len(THINGS)
    report.did = f"{count} reloads with a hostile file among good ones: {longest:.1f} s and {most:.0f} MiB at most"
    report.outage = watch.longest
    report.holds("every visitor was served meanwhile", watch.served and not watch.failures, watch)
    report.holds(f"each took less than {SECONDS} s", longest < SECONDS, f"{longest:.1f} s")
    report.holds(f"and less than {MEBIBYTES} MiB", most < MEBIBYTES, f"{most:.0f} MiB")
    stage.survives(report, visitor)
    report.holds("a good configuration is taken afterwards", stage.daemon.reload().status == 200)
    stage.finish(report)


@case(
    THEME,
    "a secret, certificate or authority in the place of which something else stands refuses the reload",
    quick=True,
)
def reload_hostile_secrets(world: World, report: Report) -> None:
    stage = Stage(world)
    good = stage.text()
    place = world.folder / "thing"
    with stage.watched() as watch:
        for name, make in THINGS.items():
            clear(place)
            make(place)
            for what, text in {
                "tokenFile": good.replace("    token: ", f"    tokenFile: {place} # "),
                "caFile": good.replace(f"caFile: {stage.engine.authority}", f"caFile: {place}"),
            }.items():
                write(stage.configuration, text)
                began = time.monotonic()
                answer = stage.daemon.reload(2 * SECONDS)
                seconds = time.monotonic() - began
                report.holds("every reload was refused", answer.status == 422, f"{what} is {name}: {str(answer)[:300]}")
                report.holds(
                    f"each took less than {SECONDS} s", seconds < SECONDS, f"{what} is {name}: {seconds:.1f} s"
                )
        clear(place)
    report.did = f"tokenFile and caFile led to {', '.join(THINGS)}"
    report.outage = watch.longest
    report.holds("every visitor was served meanwhile", watch.served and not watch.failures, watch)
    write(stage.configuration, good)
    report.holds("the good configuration is taken again", stage.daemon.reload().status == 200)
    stage.finish(report)
