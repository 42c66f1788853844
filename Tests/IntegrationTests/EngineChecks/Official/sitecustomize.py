# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Names below localhost are this machine (RFC 6761, section 6.3), also where the resolver does not know it."""

import socket

resolve = socket.getaddrinfo


def resolve_locally(host, *arguments, **options):
    below = isinstance(host, str) and host.rstrip(".").endswith(".localhost")
    return resolve("127.0.0.1" if below else host, *arguments, **options)


socket.getaddrinfo = resolve_locally
