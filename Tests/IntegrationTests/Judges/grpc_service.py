# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""A gRPC service whose messages are bytes, on a free port, which it prints, until it is killed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc


def one(message: bytes, context: grpc.ServicerContext) -> bytes:
    """The message, or the error that it is."""
    if message == b"missing":
        context.abort(grpc.StatusCode.NOT_FOUND, "no such thing")
    context.set_trailing_metadata((("length", str(len(message))),))
    return message


def several(message: bytes, _: grpc.ServicerContext) -> Iterator[bytes]:
    """The message a hundred times."""
    for _ in range(100):
        yield message


def sum_of(messages: Iterator[bytes], _: grpc.ServicerContext) -> bytes:
    """How long all messages are together."""
    return str(sum(len(message) for message in messages)).encode()


def each(messages: Iterator[bytes], _: grpc.ServicerContext) -> Iterator[bytes]:
    """Every message as it comes."""
    yield from messages


server = grpc.server(ThreadPoolExecutor(max_workers=8), options=[("grpc.so_reuseport", 0)])
server.add_generic_rpc_handlers(
    [
        grpc.method_handlers_generic_handler(
            "judge.Service",
            {
                "One": grpc.unary_unary_rpc_method_handler(one),
                "Several": grpc.unary_stream_rpc_method_handler(several),
                "Sum": grpc.stream_unary_rpc_method_handler(sum_of),
                "Each": grpc.stream_stream_rpc_method_handler(each),
            },
        )
    ]
)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, flush=True)
server.wait_for_termination()
