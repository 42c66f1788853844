// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

// How the service receives and sends: plain.c or tls.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/// What `receive` and `transmit` return besides a positive number of bytes.
enum { ENDED = 0, FAILED = -1, BLOCKED = -2 };

struct transport;

/// Reads what all connections share, from the arguments after the program's own.
void prepare_transports(int count, char **arguments);
struct transport *open_transport(int fd);
void close_transport(struct transport *);

ssize_t receive(struct transport *, void *bytes, size_t size);
/// Receives and forgets.
ssize_t discard(struct transport *, size_t size);
ssize_t transmit(struct transport *, const void *bytes, size_t size);
