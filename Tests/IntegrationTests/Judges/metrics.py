# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Reads a daemon's metrics with the parsers of Prometheus' own client library, in both formats.

usage: metrics.py SOCKET

The parser of OpenMetrics is strict: names, units, the order of lines, the end. Then the page has to have the same families
with the same labels as the one in the text format.
"""

import subprocess
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

# What Prometheus 3 sends.
ACCEPT = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


def fetch(socket, accept):
    """The media type and the page."""
    command = ["curl", "--silent", "--show-error", "--fail", "--header", "Accept: " + accept, "--unix-socket", socket]
    command += ["--write-out", "%{content_type}", "http://rstreamd/metrics"]
    page = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout.decode()
    text, _, media_type = page.rpartition("\n")
    return media_type, text + "\n"


def series(families):
    """The names and labels of all samples."""
    return {(sample.name, *sorted(sample.labels.items())) for family in families for sample in family.samples}


def main(socket):
    media_type, page = fetch(socket, ACCEPT)
    assert media_type == "application/openmetrics-text; version=1.0.0; charset=utf-8", media_type
    families = list(read_openmetrics(page))
    kinds = {family.name: (family.type, family.unit) for family in families}
    for name, wanted in {
        "rstreamd_tunnel": ("info", ""),
        "rstreamd_streams": ("counter", ""),
        "rstreamd_stream_bytes": ("counter", "bytes"),
        "rstreamd_heartbeat_rtt_seconds": ("histogram", "seconds"),
        "process_cpu_seconds": ("counter", "seconds"),
    }.items():
        assert kinds.get(name) == wanted, f"{name}: {kinds.get(name)}"

    media_type, page = fetch(socket, "*/*")
    assert media_type == "text/plain; version=0.0.4; charset=utf-8", media_type
    difference = series(families) ^ series(read_text(page))
    assert not difference, difference
    print("ok")


main(*sys.argv[1:])
