# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Calls a gRPC service through a published tunnel, in every of the four ways, and several at once.

usage: grpc_visitor.py HOSTNAME
"""

from __future__ import annotations

import os
import queue
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
from common import expect

hostname = sys.argv[1]
port = os.environ["JUDGE_ENGINE"].split(":")[1]
with open(os.environ["JUDGE_CA"], "rb") as file:
    credentials = grpc.ssl_channel_credentials(file.read())
channel = grpc.secure_channel(
    f"ipv4:127.0.0.1:{port}",
    credentials,
    options=[
        ("grpc.ssl_target_name_override", hostname),
        ("grpc.default_authority", f"{hostname}:{port}"),
        ("grpc.enable_http_proxy", 0),
    ],
)


def method(kind: str, name: str):  # type: ignore[no-untyped-def]
    call = getattr(channel, kind)(f"/judge.Service/{name}")
    return lambda argument: call(argument, timeout=45)


def unary() -> None:
    call = channel.unary_unary("/judge.Service/One")
    for message in (b"", b"hello", os.urandom(1024 * 1024)):
        answer, details = call.with_call(message, timeout=45)
        expect(answer == message, "another message came back")
        trailers = dict(details.trailing_metadata())
        expect(trailers.get("length") == str(len(message)), f"the trailers are {trailers}")


def failing() -> None:
    for path, message, code in (
        ("One", b"missing", grpc.StatusCode.NOT_FOUND),
        ("None", b"", grpc.StatusCode.UNIMPLEMENTED),
    ):
        try:
            method("unary_unary", path)(message)
            expect(False, f"{path} succeeded")
        except grpc.RpcError as error:
            expect(error.code() == code, f"{path}: {error}")


def server_stream() -> None:
    message = os.urandom(30_000)
    expect(list(method("unary_stream", "Several")(message)) == [message] * 100, "other messages came")


def client_stream() -> None:
    parts = [os.urandom(30_000) for _ in range(100)]
    expect(method("stream_unary", "Sum")(iter(parts)) == b"3000000", "other messages arrived")


def both_streams() -> None:
    """Every message is sent when the one before it has come back."""
    waiting: queue.Queue[bytes | None] = queue.Queue()
    answers = method("stream_stream", "Each")(iter(waiting.get, None))
    for number in range(100):
        message = f"{number}".encode() * 100
        waiting.put(message)
        expect(next(answers) == message, f"message {number} came back as another one")
    waiting.put(None)
    expect(next(answers, None) is None, "the stream has no end")


def cancelled() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"again"

    answers = method("stream_stream", "Each")(endless())
    next(answers)
    answers.cancel()


ways = [unary, failing, server_stream, client_stream, both_streams, cancelled]
for way in ways:
    way()
with ThreadPoolExecutor(max_workers=len(ways)) as pool:
    for done in [pool.submit(way) for way in ways]:
        done.result()
unary()
channel.close()
print("ok", flush=True)
