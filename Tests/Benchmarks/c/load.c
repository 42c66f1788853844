// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

// The visitors. Each run prints one line of JSON, and ends with 1 when a stream fails. An address is HOST:PORT, with the
// host in digits.
//
//   load sink|source ADDRESS BYTES STREAMS   all bytes together, on streams that are open before the clock starts
//   load streams ADDRESS COUNT LANES         short streams of one echoed byte, LANES at a time
//   load first ADDRESS COUNT PAUSE           the same one after another, with a pause in milliseconds before each
//   load ping ADDRESS COUNT                  one byte there and back on one stream
//   load hold ADDRESS COUNT                  streams that stay open until the end of standard input. "echo BYTES" in it
//                                            sends so many there and back on each. A line says when either is done

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

enum { CHUNK = 256 * 1024, HOLD_LANES = 32, PATIENCE = 60 };

static struct sockaddr_in destination;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int dial(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (void *)&destination, sizeof destination)) fail("connect");
    send_at_once(fd);
    struct timeval patience = {.tv_sec = PATIENCE};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

static void say(int fd, const void *bytes, size_t size) {
    if (send(fd, bytes, size, MSG_NOSIGNAL) != (ssize_t)size) fail("send");
}

static void hear_one(int fd) {
    char byte;
    if (recv(fd, &byte, 1, 0) != 1) fail("a stream ended early");
}

static void begin(int fd, enum command command, uint64_t count) {
    unsigned char head[HEAD_SIZE];
    write_head(head, command, count);
    say(fd, head, sizeof head);
}

/// A head and its first byte in one packet, and that byte back.
static void visit(int fd) {
    unsigned char bytes[HEAD_SIZE + 1] = {0};
    write_head(bytes, ECHO, 0);
    say(fd, bytes, sizeof bytes);
    hear_one(fd);
}

static int by_size(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void print_times(double seconds, double *times, long count) {
    qsort(times, (size_t)count, sizeof *times, by_size);
    printf("{\"seconds\": %.6f, \"count\": %ld, \"median\": %.9f, \"p99\": %.9f}\n", seconds, count, times[count / 2],
           times[(long)((double)count * 0.99)]);
}

// MARK: Many bytes

/// True when the stream has sent all of its bytes and the service has said so.
static bool push(int fd, uint64_t *left) {
    static const unsigned char zeros[CHUNK];
    while (*left > 0) {
        ssize_t count = send(fd, zeros, *left < CHUNK ? *left : CHUNK, MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN) return false;
        if (count < 0) fail("send");
        *left -= (uint64_t)count;
    }
    char byte;
    ssize_t count = recv(fd, &byte, 1, 0);
    if (count < 0 && errno == EAGAIN) return false;
    if (count != 1) fail("the service did not confirm");
    return true;
}

/// True when all bytes of the stream have come.
static bool pull(int fd, uint64_t *left) {
    while (*left > 0) {
        ssize_t count = recv(fd, NULL, 1 << 20, MSG_TRUNC);
        if (count < 0 && errno == EAGAIN) return false;
        if (count <= 0 || (uint64_t)count > *left) fail("receive");
        *left -= (uint64_t)count;
    }
    return true;
}

static void transfer(bool sinks, uint64_t bytes, int streams) {
    int *fds = calloc((size_t)streams, sizeof *fds), poll = epoll_create1(0);
    uint64_t *left = calloc((size_t)streams, sizeof *left);
    for (int i = 0; i < streams; i++) {
        fds[i] = dial();
        visit(fds[i]);
        close(fds[i]);
        fds[i] = dial();
        fcntl(fds[i], F_SETFL, O_NONBLOCK);
        left[i] = bytes / (uint64_t)streams;
    }
    // Dialing on is not a part of it.
    usleep(150 * 1000);
    double start = now();
    for (int i = 0; i < streams; i++) {
        begin(fds[i], sinks ? SINK : SOURCE, left[i]);
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = (uint32_t)i};
        epoll_ctl(poll, EPOLL_CTL_ADD, fds[i], &event);
    }
    for (int open = streams; open > 0;) {
        struct epoll_event events[256];
        int ready = epoll_wait(poll, events, 256, PATIENCE * 1000);
        if (ready <= 0) fail("nothing moves");
        for (int i = 0; i < ready; i++) {
            uint32_t which = events[i].data.u32;
            if (fds[which] < 0 || !(sinks ? push : pull)(fds[which], &left[which])) continue;
            close(fds[which]);
            fds[which] = -1;
            open--;
        }
    }
    printf("{\"seconds\": %.6f}\n", now() - start);
}

// MARK: Many streams

static atomic_long next_stream;
static long stream_count;
static double *stream_times;

static void *visit_in_lane(void *unused) {
    for (long i; (i = atomic_fetch_add(&next_stream, 1)) < stream_count;) {
        double start = now();
        int fd = dial();
        visit(fd);
        stream_times[i] = now() - start;
        close(fd);
    }
    return unused;
}

static void in_lanes(int lanes, void *(*lane)(void *)) {
    pthread_t *threads = calloc((size_t)lanes, sizeof *threads);
    for (int i = 0; i < lanes; i++)
        if (pthread_create(&threads[i], NULL, lane, NULL)) fail("pthread_create");
    for (int i = 0; i < lanes; i++) pthread_join(threads[i], NULL);
    free(threads);
}

static void streams(long count, int lanes) {
    stream_count = count;
    stream_times = calloc((size_t)count, sizeof *stream_times);
    double start = now();
    in_lanes(lanes, visit_in_lane);
    print_times(now() - start, stream_times, count);
}

static void first_bytes(long count, useconds_t pause) {
    double *times = calloc((size_t)count, sizeof *times), start = now();
    for (long i = 0; i < count; i++) {
        usleep(pause * 1000);
        double began = now();
        int fd = dial();
        visit(fd);
        times[i] = now() - began;
        close(fd);
    }
    print_times(now() - start, times, count);
}

static void ping(long count) {
    enum { WARM = 200 };
    double *times = calloc((size_t)count, sizeof *times), start = now();
    int fd = dial();
    visit(fd);
    for (long i = -WARM; i < count; i++) {
        double sent = now();
        say(fd, "p", 1);
        hear_one(fd);
        if (i >= 0) times[i] = now() - sent;
    }
    print_times(now() - start, times, count);
}

// MARK: Streams that stay open

static int *held;
static long held_count;
static atomic_long next_held;
static uint64_t held_bytes;

static void *dial_in_lane(void *unused) {
    for (long i; (i = atomic_fetch_add(&next_held, 1)) < held_count;) {
        held[i] = dial();
        visit(held[i]);
    }
    return unused;
}

/// Sends and receives at once, so that no buffer on the way has to hold all of it.
static void *echo_in_lane(void *unused) {
    static const unsigned char zeros[CHUNK];
    for (long i; (i = atomic_fetch_add(&next_held, 1)) < held_count;) {
        uint64_t unsent = held_bytes, missing = held_bytes;
        while (missing > 0) {
            struct pollfd wait = {.fd = held[i], .events = (short)(POLLIN | (unsent > 0 ? POLLOUT : 0))};
            if (poll(&wait, 1, PATIENCE * 1000) != 1) fail("nothing comes back");
            if (wait.revents & POLLOUT) {
                ssize_t count = send(held[i], zeros, unsent < CHUNK ? unsent : CHUNK, MSG_NOSIGNAL | MSG_DONTWAIT);
                if (count > 0) unsent -= (uint64_t)count;
            }
            if (wait.revents & ~POLLOUT) {
                ssize_t count = recv(held[i], NULL, missing, MSG_TRUNC);
                if (count <= 0) fail("a stream ended early");
                missing -= (uint64_t)count;
            }
        }
    }
    return unused;
}

static void hold(long count) {
    held = calloc((size_t)count, sizeof *held);
    held_count = count;
    in_lanes(HOLD_LANES, dial_in_lane);
    printf("{}\n");
    char order[64];
    while (fgets(order, sizeof order, stdin)) {
        if (sscanf(order, "echo %lu", &held_bytes) != 1) fail(order);
        atomic_store(&next_held, 0);
        in_lanes(HOLD_LANES, echo_in_lane);
        printf("{}\n");
    }
}

int main(int count, char **arguments) {
    if (count < 4) return 64;
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *what = arguments[1];
    destination = parse_address(arguments[2]);
    long number = atol(arguments[3]), more = count > 4 ? atol(arguments[4]) : 1;
    if (!strcmp(what, "sink")) transfer(true, (uint64_t)number, (int)more);
    else if (!strcmp(what, "source")) transfer(false, (uint64_t)number, (int)more);
    else if (!strcmp(what, "streams")) streams(number, (int)more);
    else if (!strcmp(what, "first")) first_bytes(number, (useconds_t)more);
    else if (!strcmp(what, "ping")) ping(number);
    else if (!strcmp(what, "hold")) hold(number);
    else return 64;
    return 0;
}
