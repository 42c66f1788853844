// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

// The service's transport: TLS 1.3, with the library that rstreamd has as well.

#include "transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "CNIOBoringSSL_err.h"
#include "CNIOBoringSSL_ssl.h"

struct transport {
    int fd;
    SSL *tls;
};

static SSL_CTX *context;

void prepare_transports(int count, char **arguments) {
    context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (count != 2 || SSL_CTX_use_certificate_chain_file(context, arguments[0]) != 1
        || SSL_CTX_use_PrivateKey_file(context, arguments[1], SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
        exit(1);
    }
}

struct transport *open_transport(int fd) {
    struct transport *transport = malloc(sizeof *transport);
    transport->fd = fd;
    transport->tls = SSL_new(context);
    SSL_set_fd(transport->tls, fd);
    // The handshake is a part of the first receive.
    SSL_set_accept_state(transport->tls);
    return transport;
}

void close_transport(struct transport *transport) {
    SSL_shutdown(transport->tls);
    SSL_free(transport->tls);
    close(transport->fd);
    free(transport);
    ERR_clear_error();
}

static ssize_t outcome(struct transport *transport, int result) {
    if (result > 0) return result;
    switch (SSL_get_error(transport->tls, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return BLOCKED;
    case SSL_ERROR_ZERO_RETURN: return ENDED;
    default: ERR_clear_error(); return FAILED;
    }
}

ssize_t receive(struct transport *transport, void *bytes, size_t size) {
    return outcome(transport, SSL_read(transport->tls, bytes, (int)size));
}

ssize_t discard(struct transport *transport, size_t size) {
    static unsigned char nowhere[64 * 1024];
    return receive(transport, nowhere, size < sizeof nowhere ? size : sizeof nowhere);
}

ssize_t transmit(struct transport *transport, const void *bytes, size_t size) {
    return outcome(transport, SSL_write(transport->tls, bytes, (int)size));
}
