// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#define _GNU_SOURCE
#include "CStart.h"

#include <fcntl.h>
#include <unistd.h>

// This must run before the first line of Swift: by then the runtime has opened files, and may have lost arguments.

// Swift's runtime finds the arguments of the command line next to the environment, or in /proc. A library that sets a
// variable before the program's first line, as one named by LD_PRELOAD may, moves the environment, and /proc may not be
// mounted. The arguments were lost then, and a daemon that was asked for its version started to serve. glibc passes the
// arguments to every constructor, and the runtime takes them from here.
extern void _swift_stdlib_overrideUnsafeArgvArgc(char **words, int count);

// A program that is started without standard streams would get their descriptors for its first files, and what it prints
// would go into a socket or a file of its own.
static void fill_standard_streams(void) {
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
        if (fcntl(stream, F_GETFD) >= 0) continue;
        // The kernel gives the lowest number that is free, which is this one. A folder can be neither read nor written.
        if (open("/dev/null", O_RDWR) < 0) (void)open("/", O_PATH | O_DIRECTORY);
    }
}

__attribute__((constructor)) static void start(int count, char **words, char **environment) {
    (void)environment;
    if (count > 0) _swift_stdlib_overrideUnsafeArgvArgc(words, count);
    fill_standard_streams();
}
