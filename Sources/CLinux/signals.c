// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

// Compiled for itself: its headers would become a part of what Swift takes for this module, and with them names of glibc.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

// Where the handler writes.
static int signal_pipe = -1;

static void signal_came(int signal, siginfo_t *info, void *context) {
    (void)context;
    int saved = errno;
    unsigned char byte = (unsigned char)signal;
    if (info && info->si_code == SI_QUEUE && info->si_value.sival_int == RSTREAM_PASSED_ON_VALUE) {
        byte |= RSTREAM_PASSED_ON;
    }
    // A full pipe already holds more requests than an operator can mean.
    ssize_t written = write(signal_pipe, &byte, 1);
    (void)written;
    errno = saved;
}

int rstream_open_pipe(int ends[2]) {
    return pipe2(ends, O_CLOEXEC | O_NONBLOCK);
}

int rstream_take_signals(int pipe, const int *signals, int count) {
    signal_pipe = pipe;
    for (int index = 0; index < count; index++) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_sigaction = signal_came;
        action.sa_flags = SA_RESTART | SA_SIGINFO;
        if (sigaction(signals[index], &action, NULL) != 0) return -1;
    }
    return 0;
}
