// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

// What a visitor and the service say to each other: a stream begins with a command and a number of bytes.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum command {
    SINK = 'S',    // the visitor sends that many bytes, the service answers with one
    SOURCE = 'O',  // the service sends that many bytes
    ECHO = 'E',    // the service sends back what it gets, until the end; the number is 0
};

enum { HEAD_SIZE = 9 };

static inline void write_head(unsigned char head[HEAD_SIZE], enum command command, uint64_t count) {
    head[0] = (unsigned char)command;
    memcpy(head + 1, &count, sizeof count);
}

static inline uint64_t count_in_head(const unsigned char head[HEAD_SIZE]) {
    uint64_t count;
    memcpy(&count, head + 1, sizeof count);
    return count;
}

static inline void fail(const char *what) {
    perror(what);
    exit(1);
}

/// HOST:PORT, the host in digits.
static inline struct sockaddr_in parse_address(const char *text) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    char host[INET_ADDRSTRLEN];
    int port;
    if (sscanf(text, "%15[0-9.]:%d", host, &port) != 2 || inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        fprintf(stderr, "%s is no address\n", text);
        exit(64);
    }
    address.sin_port = htons((uint16_t)port);
    return address;
}

static inline void send_at_once(int fd) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// A non-blocking listener at this address. Port 0 takes a free one; a line of JSON says which.
static inline int listen_and_print(const char *text) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = parse_address(text);
    socklen_t size = sizeof address;
    if (fd < 0 || bind(fd, (void *)&address, size) || listen(fd, 4096)) fail(text);
    if (getsockname(fd, (void *)&address, &size)) fail("getsockname");
    printf("{\"port\": %d}\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}
