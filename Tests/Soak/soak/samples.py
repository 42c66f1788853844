# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""What a process holds, and the rule for when that is flat."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

MEBIBYTE = 2**20
# The daemon gives back what is worth 8 MiB (Tests/Benchmarks/repeats).
LEFT = 12 * MEBIBYTE
RULE = (
    "At rest there is no stream and no process that was taken over from. The daemon is flat when at each rest it has "
    f"at most {LEFT // MEBIBYTE} MiB of anonymous memory more than at the first, no more descriptors than before the "
    "first stream, and no more threads than at the first rest. Programs take over in the first half only: the process "
    "of the second half has to hold this over half of the run."
)


@dataclass(frozen=True)
class Sample:
    pid: int
    anonymous: int
    resident: int
    descriptors: int
    threads: int

    @staticmethod
    def of(pid: int) -> Sample | None:
        """Nothing of a process that has just ended."""
        with contextlib.suppress(OSError, TypeError):
            status = Path(f"/proc/{pid}/status").read_text()

            def kibibytes(field: str) -> int:
                return int(re.search(rf"^{field}:\s+(\d+)", status, re.M)[1]) * 1024

            threads = int(re.search(r"^Threads:\s+(\d+)", status, re.M)[1])
            opened = len(os.listdir(f"/proc/{pid}/fd"))
            return Sample(pid, kibibytes("RssAnon"), kibibytes("VmRSS"), opened, threads)
        return None


@dataclass
class Peak:
    """The highest under load, of all processes of the daemon together."""

    anonymous: int = 0
    resident: int = 0
    descriptors: int = 0
    threads: int = 0
    processes: int = 0

    def add(self, samples: list[Sample]) -> None:
        self.processes = max(self.processes, len(samples))
        for field in ("anonymous", "resident", "descriptors", "threads"):
            setattr(self, field, max(getattr(self, field), sum(getattr(sample, field) for sample in samples)))


@dataclass
class Flatness:
    """What was there before the first stream, and at the first rest."""

    idle: Sample
    first: Sample | None = None

    def obstacles(self, sample: Sample) -> list[str]:
        """Why a sample at rest is not flat."""
        found = []
        if sample.descriptors > self.idle.descriptors:
            found.append(f"{sample.descriptors} descriptors, {self.idle.descriptors} before the first stream")
        if self.first:
            if sample.anonymous > self.first.anonymous + LEFT:
                found.append(
                    f"{sample.anonymous / MEBIBYTE:.1f} MiB, {self.first.anonymous / MEBIBYTE:.1f} at the first rest"
                )
            if sample.threads > self.first.threads:
                found.append(f"{sample.threads} threads, {self.first.threads} at the first rest")
        return found
