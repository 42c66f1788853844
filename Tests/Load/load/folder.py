# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""The programs of a run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from benchmark.stage import Failure


@dataclass(frozen=True)
class Programs:
    folder: Path

    def __post_init__(self):
        for name in ("rstreamd", "rstreamctl", "rstream-dev-engine"):
            if not os.access(self.folder / name, os.X_OK):
                raise Failure(f"{self.folder / name} is not there; `make build` makes it")

    @property
    def engine(self) -> Path:
        return self.folder / "rstream-dev-engine"
