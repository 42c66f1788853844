// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

// The service that visitors reach: it swallows, sends or echoes, as a stream's head says (wire.h). One thread.
//
//   service ADDRESS
//   tls-service ADDRESS CERTIFICATE KEY

#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "transport.h"
#include "wire.h"

enum { CHUNK = 64 * 1024 };

struct stream {
    struct transport *transport;
    unsigned char head[HEAD_SIZE];
    size_t head_size;
    uint64_t left;
    /// What an echo could not send yet.
    unsigned char *unsent;
    size_t unsent_from, unsent_size;
};

static unsigned char chunk[CHUNK];

/// False when the stream is over.
static bool read_head(struct stream *stream) {
    while (stream->head_size < HEAD_SIZE) {
        size_t missing = HEAD_SIZE - stream->head_size;
        ssize_t count = receive(stream->transport, stream->head + stream->head_size, missing);
        if (count <= 0) return count == BLOCKED;
        stream->head_size += (size_t)count;
        if (stream->head_size == HEAD_SIZE) stream->left = count_in_head(stream->head);
    }
    return true;
}

static bool sink(struct stream *stream) {
    for (;;) {
        ssize_t count = discard(stream->transport, 1 << 20);
        if (count <= 0) return count == BLOCKED;
        if (stream->left == 0) continue;
        stream->left -= (uint64_t)count < stream->left ? (uint64_t)count : stream->left;
        if (stream->left == 0 && transmit(stream->transport, "k", 1) != 1) return false;
    }
}

static bool source(struct stream *stream) {
    while (stream->left > 0) {
        ssize_t count = transmit(stream->transport, chunk, stream->left < CHUNK ? stream->left : CHUNK);
        if (count <= 0) return count == BLOCKED;
        stream->left -= (uint64_t)count;
    }
    // The visitor ends the stream.
    ssize_t count = discard(stream->transport, CHUNK);
    return count > 0 || count == BLOCKED;
}

/// Keeps the rest of a chunk that its peer has no room for.
static void keep(struct stream *stream, size_t from, size_t size) {
    stream->unsent = malloc(size - from);
    memcpy(stream->unsent, chunk + from, size - from);
    stream->unsent_from = 0;
    stream->unsent_size = size - from;
}

static bool echo(struct stream *stream) {
    for (;;) {
        while (stream->unsent) {
            size_t rest = stream->unsent_size - stream->unsent_from;
            ssize_t count = transmit(stream->transport, stream->unsent + stream->unsent_from, rest);
            if (count <= 0) return count == BLOCKED;
            stream->unsent_from += (size_t)count;
            if (stream->unsent_from < stream->unsent_size) continue;
            free(stream->unsent);
            stream->unsent = NULL;
        }
        ssize_t size = receive(stream->transport, chunk, CHUNK);
        if (size <= 0) return size == BLOCKED;
        for (size_t sent = 0; sent < (size_t)size;) {
            ssize_t count = transmit(stream->transport, chunk + sent, (size_t)size - sent);
            if (count == BLOCKED) {
                keep(stream, sent, (size_t)size);
                break;
            }
            if (count <= 0) return false;
            sent += (size_t)count;
        }
    }
}

static bool serve(struct stream *stream) {
    if (!read_head(stream)) return false;
    if (stream->head_size < HEAD_SIZE) return true;
    switch (stream->head[0]) {
    case SINK: return sink(stream);
    case SOURCE: return source(stream);
    case ECHO: return echo(stream);
    default: return false;
    }
}

static void end(struct stream *stream) {
    close_transport(stream->transport);
    free(stream->unsent);
    free(stream);
}

static void accept_all(int listener, int poll) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        send_at_once(fd);
        struct stream *stream = calloc(1, sizeof *stream);
        stream->transport = open_transport(fd);
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP, .data.ptr = stream};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event)) end(stream);
    }
}

int main(int count, char **arguments) {
    if (count < 2) return 64;
    signal(SIGPIPE, SIG_IGN);
    prepare_transports(count - 2, arguments + 2);
    int listener = listen_and_print(arguments[1]), poll = epoll_create1(0);
    struct epoll_event events[256] = {{.events = EPOLLIN, .data.ptr = NULL}};
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &events[0]);
    for (;;) {
        int ready = epoll_wait(poll, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            struct stream *stream = events[i].data.ptr;
            if (!stream) accept_all(listener, poll);
            else if (!serve(stream)) end(stream);
        }
    }
}
