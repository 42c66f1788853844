// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

// The service's transport: plain TCP.

#include "transport.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct transport {
    int fd;
};

void prepare_transports(int count, char **arguments) {
    (void)count, (void)arguments;
}

struct transport *open_transport(int fd) {
    struct transport *transport = malloc(sizeof *transport);
    transport->fd = fd;
    return transport;
}

void close_transport(struct transport *transport) {
    close(transport->fd);
    free(transport);
}

static ssize_t outcome(ssize_t result) {
    if (result >= 0) return result;
    return errno == EAGAIN ? BLOCKED : FAILED;
}

ssize_t receive(struct transport *transport, void *bytes, size_t size) {
    return outcome(recv(transport->fd, bytes, size, 0));
}

ssize_t discard(struct transport *transport, size_t size) {
    // The kernel does not even copy them.
    return outcome(recv(transport->fd, NULL, size, MSG_TRUNC));
}

ssize_t transmit(struct transport *transport, const void *bytes, size_t size) {
    return outcome(send(transport->fd, bytes, size, MSG_NOSIGNAL));
}
