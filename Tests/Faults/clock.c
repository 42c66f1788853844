// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

// Lets a case move a program's clocks (LD_PRELOAD). The file that FAULTS_CLOCK names has two numbers of 64 bits, nanoseconds
// that are added to the time of day and to the time since boot; timers, which go by the monotonic clock, are left alone, as
// when the clock is set, or the machine has slept.

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t none[2];
static const volatile int64_t *moved = none;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTS_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *place = mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, file, 0);
    if (place != MAP_FAILED) moved = place;
    close(file);
}

static int64_t shift(clockid_t clock) {
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE: return moved[0];
    case CLOCK_BOOTTIME: return moved[1];
    default: return 0;
    }
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (syscall(SYS_clock_gettime, clock, now)) return -1;
    int64_t by = shift(clock);
    if (by) {
        int64_t total = (int64_t)now->tv_sec * 1000000000 + now->tv_nsec + by;
        now->tv_sec = total / 1000000000;
        now->tv_nsec = total % 1000000000;
    }
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec exact;
    if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *place) {
    struct timespec exact;
    if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
    if (place) *place = exact.tv_sec;
    return exact.tv_sec;
}
