# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Proxies between the daemon and an engine that work, refuse, stall or lie, as the case says."""

from __future__ import annotations

import contextlib
import socket
import threading

from .exchange import read_exactly
from .services import Server
from .world import Namespace

GOOD = "works"


def pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            sink.sendall(part)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def silence(connection: socket.socket) -> None:
    """Reads and says nothing, until the other side has lost patience."""
    while connection.recv(65536):
        pass


class Proxy:
    """`conduct` says how it treats connections."""

    def __init__(self, host: Namespace):
        self.host, self.conduct, self.met = host, GOOD, 0
        self.server = Server(host, self.serve, address=host.address)

    @property
    def place(self) -> str:
        return f"{self.server.place[0]}:{self.server.port}"

    def serve(self, connection: socket.socket) -> None:
        raise NotImplementedError

    def join(self, connection: socket.socket, place: tuple[str, int], answer: bytes) -> None:
        with self.host.entered():
            far = socket.create_connection(place, timeout=10)
        far.settimeout(None)
        connection.sendall(answer)
        back = threading.Thread(target=pump, args=(far, connection), daemon=True)
        back.start()
        pump(connection, far)
        back.join()
        far.close()


class HTTPProxy(Proxy):
    OK = b"HTTP/1.1 200 Connection established\r\n\r\n"
    # What it says instead, and then closes.
    ANSWERS = {
        "refuses with 403": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
        "asks for a password": b"HTTP/1.1 407 Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\n\r\n",
        "answers 502": b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
        "answers 200 and closes": OK,
        "answers 200 and goes on in plain text": OK + b"<html>Please log in.</html>\r\n" * 50,
        "redirects to a login page": b"HTTP/1.1 302 Found\r\nLocation: http://login.invalid/\r\n\r\n",
        "answers what is no HTTP": bytes(range(256)) * 8,
        "never ends its head": b"HTTP/1.1 200 OK\r\n" + b"X-Filler: " + b"a" * 4000 + b"\r\n" + b"Y: b\r\n" * 50000,
        "answers a status of 40 digits": b"HTTP/1.1 " + b"2" * 40 + b" OK\r\n\r\n",
        "answers 101 first": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "closes at once": b"",
    }  # fmt: skip

    def serve(self, connection: socket.socket) -> None:
        self.met += 1
        conduct = self.conduct
        if conduct == "never answers":
            return silence(connection)
        head = b""
        while b"\r\n\r\n" not in head:
            if not (part := connection.recv(65536)):
                return
            head += part
        if conduct == GOOD:
            host, _, port = head.split()[1].decode().rpartition(":")
            self.join(connection, (host, int(port)), self.OK)
        elif conduct == "stalls in its head":
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Half: ")
            silence(connection)
        elif conduct == "stalls after 200":
            connection.sendall(self.OK)
            silence(connection)
        else:
            connection.sendall(self.ANSWERS[conduct])


class SOCKSProxy(Proxy):
    OK = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
    # What it says instead of the choice of a method, and of the answer to CONNECT; then it closes.
    METHODS = {
        "knows no method": b"\x05\xff",
        "chooses a method that was not offered": b"\x05\x77",
        "is version 4": b"\x00\x5a\x00\x00\x00\x00\x00\x00",
        "is no SOCKS": b"HTTP/1.1 400 Bad Request\r\n\r\n",
        "closes at once": b"",
    }
    ANSWERS = {
        "refuses": b"\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00",
        "cannot reach it": b"\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00",
        "answers code 255": b"\x05\xff\x00\x01\x00\x00\x00\x00\x00\x00",
        "answers an address of kind 9": b"\x05\x00\x00\x09" + bytes(300),
        "answers half": b"\x05\x00\x00\x03\xff" + b"a" * 20,
        "agrees and closes": OK,
        "agrees and goes on in plain text": OK + b"this is no TLS\r\n" * 100,
    }

    def serve(self, connection: socket.socket) -> None:
        self.met += 1
        conduct = self.conduct
        _, count = read_exactly(connection, 2)
        read_exactly(connection, count)
        if conduct == "stalls before the method":
            return silence(connection)
        if conduct in self.METHODS:
            return connection.sendall(self.METHODS[conduct])
        connection.sendall(b"\x05\x00")
        kind = read_exactly(connection, 4)[3]
        if kind == 1:
            host = socket.inet_ntoa(read_exactly(connection, 4))
        elif kind == 4:
            host = socket.inet_ntop(socket.AF_INET6, read_exactly(connection, 16))
        else:
            host = read_exactly(connection, read_exactly(connection, 1)[0]).decode()
        port = int.from_bytes(read_exactly(connection, 2), "big")
        if conduct == GOOD:
            self.join(connection, (host, port), self.OK)
        elif conduct == "stalls before its answer":
            silence(connection)
        else:
            connection.sendall(self.ANSWERS[conduct])
