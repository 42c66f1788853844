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

/// From now on each of these signals is one byte, its number, in `pipe`. As sigaction(2): 0, or -1 and `errno`.
int rstream_take_signals(int pipe, const int *signals, int count);

/// Unmaps the pages of the program's file that hold code and constants. Those that are needed are mapped again, one by
/// one, when they are used; the file stays in the kernel's cache.
void rstream_release_program_pages(void);
