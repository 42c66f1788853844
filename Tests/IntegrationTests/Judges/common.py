# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""What all judges share: the client of the official SDK, and plain words about what went wrong."""

from __future__ import annotations

import os

import rstream

SIZE = 1024 * 1024


def client(**options: object) -> rstream.Client:
    return rstream.Client(
        engine=os.environ["JUDGE_ENGINE"],
        token=os.environ["JUDGE_TOKEN"],
        tls=rstream.TLSOptions(ca_file=os.environ["JUDGE_CA"]),
        read_config_file=False,
        **options,
    )


def expect(condition: bool, words: str) -> None:
    if not condition:
        raise SystemExit(f"judge: {words}")
