# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Calls of the daemon's admin API, as a well-behaved client makes them."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Answer:
    status: int
    content: object


def call(place: Path, method: str, path: str, body: object = None, patience: float = 30) -> Answer:
    with socket.socket(socket.AF_UNIX) as connection:
        # A connect that does not block fails when the queue of connections is full for a moment.
        connection.connect(str(place))
        connection.settimeout(patience)
        client = http.client.HTTPConnection("rstreamd")
        client.sock = connection
        text = None if body is None else json.dumps(body)
        client.request(method, path, text, {"Content-Type": "application/json"})
        try:
            answer = client.getresponse()
            content = answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(f"{method} {path}: {error!r}") from error
    try:
        return Answer(answer.status, json.loads(content) if content.strip() else None)
    except ValueError:
        return Answer(answer.status, content.decode(errors="replace"))
