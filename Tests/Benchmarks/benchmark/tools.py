# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""The programs of a run: what the Makefile built, what this compiles, what the system has."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from .stage import Failure

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ROOT / "Tests" / "Benchmarks" / "c"
BUILD = ROOT / ".build-bench"
PYTHON = BUILD / "venv" / "bin" / "python"


class Tools:
    def __init__(self, programs: Path):
        self.programs = programs
        for name in ("rstreamd", "rstreamctl", "rstream-dev-engine"):
            if not os.access(programs / name, os.X_OK):
                raise Failure(f"{programs / name} is not there; `make build` makes it")
        self.rstreamd, self.engine = programs / "rstreamd", programs / "rstream-dev-engine"
        BUILD.mkdir(exist_ok=True)
        self.load = compile_c("load", ["load.c"], ["-lpthread"])
        self.service = compile_c("service", ["service.c", "plain.c"])
        library, headers = boringssl(programs)
        linked = [f"-I{headers}", str(library), "-lstdc++", "-lpthread"]
        self.tls_service = compile_c("tls-service", ["service.c", "tls.c"], linked)
        self.relay = compile_c("relay", ["relay.c"], linked)

    def envoy(self) -> Path | None:
        return next(iter(sorted(BUILD.glob("venv/lib/*/site-packages/envoy/_bin/envoy"))), None)


def compile_c(name: str, sources: list[str], more: list[str] = ()) -> Path:
    target = BUILD / name
    files = [SOURCES / source for source in sources]
    newest = max(file.stat().st_mtime for file in SOURCES.iterdir())
    if not target.exists() or target.stat().st_mtime < newest:
        command = ["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-o", target, *files, *more]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise Failure(f"gcc could not compile {name}:\n{done.stderr}")
    return target


def boringssl(programs: Path) -> tuple[Path, Path]:
    """The TLS library of the release build as an archive, and its headers: the limit has what rstreamd has."""
    folder = programs.resolve()
    objects = sorted((folder / "CNIOBoringSSL.build").rglob("*.o"))
    places = [place / "checkouts/swift-nio-ssl/Sources/CNIOBoringSSL/include" for place in folder.parents]
    headers = next((place for place in places if place.is_dir()), None)
    if not objects or not headers:
        raise Failure(f"{folder} has no objects of BoringSSL; `make build` makes them")
    archive = BUILD / "libboringssl.a"
    if not archive.exists() or archive.stat().st_mtime < max(file.stat().st_mtime for file in objects):
        archive.unlink(missing_ok=True)
        subprocess.run(["ar", "rcs", archive, *objects], check=True)
    return archive, headers


def version(command: list, pattern: str = r"(\d+\.\d+(?:\.\d+)*(?:p\d+)?)") -> str:
    """What looks like a version in what a program says of itself; empty when it is not there."""
    if not shutil.which(str(command[0])):
        return ""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    found = re.search(pattern, done.stdout + done.stderr)
    return found[1] if found else ""


def machine() -> str:
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    system = re.search(r'PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text())
    return (
        f"{os.cpu_count()} × {model[1] if model else platform.machine()}, {int(memory[1]) / 1024**2:.0f} GiB, "
        f"Linux {platform.release()}, {system[1] if system else 'unknown system'}"
    )


def commit() -> str:
    done = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"
