# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""New versions that cannot take over."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from load.daemon import Daemon


@dataclass(frozen=True)
class Broken:
    name: str
    # The program in the place of rstreamd, or none.
    program: str = ""
    # What is added to the configuration.
    mistake: str = ""
    # What the operator is told.
    told: str = ""

    @contextlib.contextmanager
    def installed(self, daemon: Daemon):
        """In the place of what is good, which is there again afterwards."""
        text = daemon.configuration.read_text()
        if self.mistake:
            daemon.write_text(f"{text}\n{self.mistake}\n")
        if self.program:
            bad = daemon.folder / "rstreamd.bad"
            bad.unlink(missing_ok=True)
            bad.touch(mode=0o755)
            bad.write_text(self.program)
            daemon.install(bad)
        try:
            yield
        finally:
            daemon.install_version()
            daemon.write_text(text)


ALL = (
    Broken("exits at once", program="#!/bin/sh\nexit 1\n", told="ended"),
    Broken("a mistake in the configuration", mistake="nonsense: true", told="unknown key"),
    Broken("hangs", program="#!/bin/sh\nexec sleep 1d\n", told="not ready within"),
)
