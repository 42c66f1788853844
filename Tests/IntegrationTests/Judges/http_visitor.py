# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Is a visitor of what web_service.py serves, as the HTTP clients of Python are.

usage: http_visitor.py requests|httpx1|httpx2|urllib|bare HOSTNAME
"""

from __future__ import annotations

import os
import socket
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPResponse

import httpx
import requests
from common import expect

CA = os.environ["JUDGE_CA"]
PORT = int(os.environ["JUDGE_ENGINE"].split(":")[1])
#: What a visitor is answered: the status, and the body.
Answer = tuple[int, bytes]
#: Asks for a path by a method, with a body or the pieces of one.
Ask = Callable[[str, str, bytes | Iterator[bytes] | None], Answer]

client, hostname = sys.argv[1:]
base = f"https://{hostname}:{PORT}"


def with_requests() -> Ask:
    session = requests.Session()
    session.trust_env = False
    session.verify = CA

    def ask(method: str, path: str, body: bytes | Iterator[bytes] | None) -> Answer:
        with session.request(method, base + path, data=body, stream=True, timeout=45) as answer:
            return answer.status_code, b"".join(answer.iter_content(7_001))

    return ask


def with_httpx(version: str) -> Ask:
    session = httpx.Client(
        http1=version == "HTTP/1.1",
        http2=version == "HTTP/2",
        verify=ssl.create_default_context(cafile=CA),
        trust_env=False,
        timeout=45,
    )

    def ask(method: str, path: str, body: bytes | Iterator[bytes] | None) -> Answer:
        with session.stream(method, base + path, content=body) as answer:
            expect(answer.http_version == version, f"{path} came in {answer.http_version}")
            return answer.status_code, b"".join(answer.iter_bytes())

    return ask


def with_urllib() -> Ask:
    context = ssl.create_default_context(cafile=CA)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )

    def ask(method: str, path: str, body: bytes | Iterator[bytes] | None) -> Answer:
        request = urllib.request.Request(base + path, body, method=method)
        try:
            with opener.open(request, timeout=45) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    return ask


def with_bare() -> Ask:
    """A visitor that ends its direction below TLS, without a goodbye, as soon as it has asked."""
    context = ssl.create_default_context(cafile=CA)

    def ask(method: str, path: str, body: bytes | Iterator[bytes] | None) -> Answer:
        whole = body if isinstance(body, bytes) else b"".join(body or ())
        head = f"{method} {path} HTTP/1.1\r\nHost: {hostname}:{PORT}\r\nContent-Length: {len(whole)}\r\n\r\n"
        with context.wrap_socket(socket.create_connection((hostname, PORT), 45), server_hostname=hostname) as visitor:
            visitor.sendall(head.encode() + whole)
            socket.socket.shutdown(visitor, socket.SHUT_WR)
            answer = HTTPResponse(visitor, method=method)
            answer.begin()
            return answer.status, answer.read()

    return ask


def judge(ask: Ask, keeps: bool) -> None:
    """`keeps` says whether requests of this client share a connection."""
    for number in range(1, 21):
        wanted = f"{number if keeps else 1} {hostname}:{PORT}".encode()
        answer = ask("GET", "/count", None)
        expect(answer == (200, wanted), f"request {number} was answered with {answer}")
    content = os.urandom(1024 * 1024)
    pieces = [os.urandom(1 + number * 997) for number in range(60)]
    numbers = b"".join(b"%07d\n" % number for number in range(32_768))
    chunks = b"".join(b"%07d\n" % number * 4_096 for number in range(20))
    for method, path, body, wanted in (
        ("POST", "/echo", content, (200, content)),
        ("POST", "/echo", iter(pieces), (200, b"".join(pieces))),
        ("PUT", "/hello", content, (200, b"hello")),
        ("GET", "/numbers", None, (200, numbers)),
        ("GET", "/chunks", None, (200, chunks)),
        ("GET", "/boundless", None, (200, numbers)),
        ("GET", "/old", None, (200, numbers)),
        ("GET", "/parting", None, (200, b"hello")),
        ("GET", "/parting", None, (200, b"hello")),
        ("HEAD", "/numbers", None, (200, b"")),
        ("GET", "/empty", None, (204, b"")),
        ("GET", "/hello", None, (200, b"hello")),
        ("GET", "/gone", None, (404, b"no such thing")),
        ("GET", "/hello", None, (200, b"hello")),
    ):
        status, answer = ask(method, path, body)
        shown = f"{method} {path} was answered with {status} and {len(answer)} bytes"
        expect((status, answer) == wanted, shown)


resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *more, **named: resolve("127.0.0.1" if host == hostname else host, *more, **named)
match client:
    case "requests":
        judge(with_requests(), keeps=True)
    case "httpx1":
        judge(with_httpx("HTTP/1.1"), keeps=True)
    case "httpx2":
        judge(with_httpx("HTTP/2"), keeps=True)
    case "urllib":
        judge(with_urllib(), keeps=False)
    case "bare":
        judge(with_bare(), keeps=False)
print("ok", flush=True)
