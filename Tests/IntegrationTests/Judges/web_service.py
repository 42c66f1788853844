# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""A service in HTTP/1.1 that answers in every way there is, on a free port, which it prints, until it is killed.

What a path is answered with is said at the function that answers it.
"""

from __future__ import annotations

import gzip
import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: What ranges are taken from.
NUMBERS = "".join(f"{number:07}\n" for number in range(32_768)).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    requests = 0

    def answer(self) -> None:
        self.requests += 1
        name = self.path.split("?")[0].strip("/")
        getattr(self, f"answer_{name}", self.answer_missing)()

    do_GET = do_HEAD = do_POST = do_PUT = answer

    # MARK: Answers that have a length

    def answer_hello(self) -> None:
        """A short text, after all of the request."""
        self.body()
        self.say(200, b"hello")

    def answer_count(self) -> None:
        """The number of the request on its connection, and the host that it was for."""
        self.say(200, f"{self.requests} {self.headers['Host']}".encode())

    def answer_headers(self) -> None:
        """The fields of the request, names in lower case, as JSON."""
        self.say(200, json.dumps({name.lower(): value for name, value in self.headers.items()}).encode())

    def answer_echo(self) -> None:
        """The body of the request."""
        self.say(200, self.body())

    def answer_gzip(self) -> None:
        """A text that is compressed, whoever asks."""
        self.say(200, gzip.compress(b"unpacked", mtime=0), ("Content-Encoding", "gzip"))

    def answer_numbers(self) -> None:
        """A quarter of a megabyte, or the range of it that is asked for."""
        wanted = self.headers.get("Range")
        if wanted is None:
            return self.say(200, NUMBERS, ("Accept-Ranges", "bytes"))
        first, last = (int(number) for number in wanted.removeprefix("bytes=").split("-"))
        part = NUMBERS[first : last + 1]
        self.say(206, part, ("Content-Range", f"bytes {first}-{last}/{len(NUMBERS)}"))

    def answer_missing(self) -> None:
        self.body()
        self.say(404, b"no such thing")

    # MARK: Answers without a body

    def answer_empty(self) -> None:
        """204."""
        self.head(204)

    def answer_unchanged(self) -> None:
        """304, with the length that a 200 would have."""
        self.head(304, ("ETag", '"1"'), ("Content-Length", "5"))

    # MARK: Answers with other ends

    def answer_chunks(self) -> None:
        """A body in chunks, each on its way before the next one is made."""
        self.head(200, ("Transfer-Encoding", "chunked"))
        for number in range(20):
            self.chunk(b"%07d\n" % number * 4_096)
        self.wfile.write(b"0\r\n\r\n")

    def answer_trailers(self) -> None:
        """A body in chunks with a field behind it."""
        self.head(200, ("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum"))
        self.chunk(b"hello")
        self.wfile.write(b"0\r\nX-Sum: 5\r\n\r\n")

    def answer_boundless(self) -> None:
        """A body that ends with the connection."""
        self.head(200, ("Connection", "close"))
        self.wfile.write(NUMBERS)

    def answer_old(self) -> None:
        """The same in HTTP/1.0, which says nothing of the connection."""
        self.protocol_version = "HTTP/1.0"
        self.head(200)
        self.wfile.write(NUMBERS)
        self.close_connection = True

    def answer_parting(self) -> None:
        """A body with a length, and the end of a connection about which nothing was said."""
        self.say(200, b"hello")
        self.close_connection = True

    def answer_broken(self) -> None:
        """Less than was promised."""
        self.head(200, ("Content-Length", "1000"))
        self.wfile.write(b"less")
        self.close_connection = True

    # MARK: Answers at other times

    def answer_hints(self) -> None:
        """Something about the answer before it."""
        self.head(103, ("Link", "</style.css>; rel=preload"))
        self.say(200, b"hello")

    def answer_refused(self) -> None:
        """413 before the body is read, and the end; what still comes is thrown away, as well-behaved services do."""
        self.say(413, b"too much", ("Connection", "close"))
        self.connection.shutdown(socket.SHUT_WR)
        while self.rfile.read1(65_536):
            pass

    def handle_expect_100(self) -> bool:
        """What is refused is refused before it was sent."""
        if self.path == "/refused":
            return True
        return super().handle_expect_100()

    # MARK: How it is done

    def head(self, status: int, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def say(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.head(status, ("Content-Length", str(len(body))), *headers)
        if self.command != "HEAD":
            self.wfile.write(body)

    def chunk(self, part: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = b""
        while length := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(length)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # Fields behind the body.
        return body

    def log_message(self, *_: object) -> None:
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
