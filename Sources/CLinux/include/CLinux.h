// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <unistd.h>

// Swift cannot call what takes any number of arguments, and sees nothing of what glibc has for GNU programs only.

static inline int rstream_exchange(int from, const char *first, int to, const char *second) {
    const unsigned int exchange = 1 << 1;  // RENAME_EXCHANGE
    return (int)syscall(SYS_renameat2, from, first, to, second, exchange);
}

static inline int rstream_set_dumpable(int is_dumpable) {
    return prctl(PR_SET_DUMPABLE, is_dumpable, 0, 0, 0);
}

static inline int rstream_is_dumpable(void) {
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

/// Has the kernel send this process a signal when the process that started it ends before it. Holds for as long as the
/// calling thread lives; 0 calls it off. As prctl(2).
static inline int rstream_set_parent_death_signal(int signal) {
    return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0);
}

// Bytes that the program has of the allocator, in blocks and mapped.
static inline size_t rstream_heap_in_use(void) {
#if __GLIBC_PREREQ(2, 33)
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
#else
    const struct mallinfo info = mallinfo();
    return (size_t)(unsigned int)info.uordblks + (size_t)(unsigned int)info.hblkhd;
#endif
}

/// Makes a pipe whose ends no other program gets and none of which blocks. As pipe2(2): 0, or -1 and `errno`.
int rstream_open_pipe(int ends[2]);

/// The value with which the process that stands for a daemon passes a signal on (Sources/CStart/start.c).
#define RSTREAM_PASSED_ON_VALUE 0x7273

/// What is added to the number of a signal that was passed on.
#define RSTREAM_PASSED_ON 0x80

/// From now on each of these signals is one byte, its number, in `pipe`; `RSTREAM_PASSED_ON` is added where it was passed
/// on. As sigaction(2): 0, or -1 and `errno`.
int rstream_take_signals(int pipe, const int *signals, int count);

/// Unmaps the pages of code and constants, of the program's file and of its libraries'. Those that are needed are mapped
/// again, some at a time, when they are used; the files stay in the kernel's cache.
void rstream_release_program_pages(void);

/// Descriptors that one record may carry.
#define RSTREAM_MOST_DESCRIPTORS 64

/// Makes two connected sockets that keep records apart; programs that are started do not get them. As socketpair(2).
int rstream_open_record_pair(int ends[2]);

/// Sends one record with copies of `count` descriptors, and waits while the other end does not read. As sendmsg(2).
ssize_t rstream_send_record(int socket, const void *bytes, size_t size, const int *descriptors, int count);

/// Waits for one record of at most `size` bytes, of which no part is left for the next call; there has to be room for
/// `RSTREAM_MOST_DESCRIPTORS`. As recvmsg(2): the length, 0 at the end, or -1 and `errno`, which is EMSGSIZE for a record
/// that is longer.
ssize_t rstream_receive_record(int socket, void *bytes, size_t size, int *descriptors, int *count);
