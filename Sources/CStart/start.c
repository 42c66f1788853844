// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#define _GNU_SOURCE
#include "CStart.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

static void close_range_of(unsigned int first, unsigned int last) {
    if (first > last) return;
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, last, 0) == 0) return;
#endif
    long most = sysconf(_SC_OPEN_MAX);
    for (unsigned int number = first; number <= last && (long)number < most; number++) close((int)number);
}

// Closes everything but the standard streams and one descriptor.
static void close_others(int kept) {
    close_range_of(STDERR_FILENO + 1, (unsigned int)kept - 1);
    close_range_of((unsigned int)kept + 1, ~0U);
}

// A program that is started to take over from the daemon that runs must not stay that daemon's child: systemd is told the
// end of its own children only. So it makes a copy of itself, tells the daemon the copy's number, and ends; the copy
// becomes a child of systemd. That has to happen while there is one thread, which is now. Returns whether this is the copy.
static bool leave_predecessor(void) {
    const char *name = getenv("RSTREAMD_PREDECESSOR");
    if (!name) return false;
    char *end = NULL;
    long socket = strtol(name, &end, 10);
    if (end == name || *end || socket <= STDERR_FILENO || socket > 1023 || fcntl((int)socket, F_GETFD) < 0) return false;
    // Not every descriptor of the daemon closes itself when a program is started, and a connection that lives on here would
    // never end for its peer.
    close_others((int)socket);
    pid_t copy = fork();
    if (copy == 0) return true;
    // Without a copy no process takes over, and the end of the socket says so.
    if (copy < 0) _exit(71);
    char text[64];
    int length = snprintf(text, sizeof text, "{\"started\":{\"pid\":%ld}}", (long)copy);
    ssize_t sent = send((int)socket, text, (size_t)length, MSG_NOSIGNAL);
    _exit(sent == length ? 0 : 71);
}

// A unit that wants a restart to be a take-over sets this. In the process that becomes the daemon its value is the number
// of the process that stands for it (Sources/Linux/StandIn.swift).
static const char stand_in_variable[] = "RSTREAMD_STAND_IN";

// The value of a signal that was passed on: RSTREAM_PASSED_ON_VALUE of Sources/CLinux/include/CLinux.h.
enum { passed_on_value = 0x7273 };

// Ends in the way in which the daemon has ended.
static _Noreturn void end_like(int status) {
    if (WIFEXITED(status)) _exit(WEXITSTATUS(status));
    int number = WTERMSIG(status);
    // The daemon's memory is what a core dump is for.
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    raise(number);
    sigprocmask(SIG_SETMASK, &none, NULL);
    _exit(128 + number);
}

static _Noreturn void stand_for(pid_t daemon, const sigset_t *all) {
    close_range_of(STDERR_FILENO + 1, ~0U);
    prctl(PR_SET_NAME, "rstreamd-unit", 0, 0, 0);
    while (true) {
        siginfo_t info;
        int number = sigwaitinfo(all, &info);
        if (number < 0) continue;
        if (number == SIGCHLD) {
            int status;
            if (waitpid(daemon, &status, WNOHANG) == daemon) end_like(status);
        } else if (number == SIGUSR1 && info.si_code == SI_USER && info.si_pid == daemon) {
            // The daemon goes on without this process.
            _exit(0);
        } else {
            union sigval value = {.sival_int = passed_on_value};
            if (sigqueue(daemon, number, value) != 0) kill(daemon, number);
        }
    }
}

static void tell_process(const char *variable, pid_t former, pid_t process) {
    const char *text = getenv(variable);
    char number[32];
    if (!text || strtol(text, NULL, 10) != former) return;
    snprintf(number, sizeof number, "%ld", (long)process);
    setenv(variable, number, 1);
}

// systemd starts the next process of a unit once the main process has ended, and takes no other process for the main one
// while it waits for that. A daemon whose streams are to live on cannot end. So the process that systemd has started, or
// the copy of it that takes over, stands for the daemon, which is its child: it passes signals on, ends as the daemon ends,
// and ends before it when the daemon says so. This too has to happen while there is one thread.
static void stand_in(bool is_copy) {
    const char *wanted = getenv(stand_in_variable);
    const char *started = getenv("SYSTEMD_EXEC_PID");
    if (!wanted || !*wanted || strcmp(wanted, "no") == 0 || !getenv("NOTIFY_SOCKET")) return;
    // Not for the programs that the daemon or the unit runs beside it: systemd tells those the main process.
    if (!is_copy && (!started || strtol(started, NULL, 10) != getpid() || getenv("MAINPID"))) return;
    pid_t former = getpid();
    sigset_t all, before;
    sigfillset(&all);
    // A signal that comes meanwhile is passed on.
    if (sigprocmask(SIG_SETMASK, &all, &before) != 0) return;
    pid_t daemon = fork();
    if (daemon > 0) stand_for(daemon, &all);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (daemon < 0) {
        // What a predecessor has left there is not about this process.
        unsetenv(stand_in_variable);
        return;
    }
    char number[32];
    snprintf(number, sizeof number, "%ld", (long)former);
    setenv(stand_in_variable, number, 1);
    tell_process("LISTEN_PID", former, getpid());
    tell_process("WATCHDOG_PID", former, getpid());
    unsetenv("LISTEN_PIDFDID");
}

__attribute__((constructor)) static void start(int count, char **words, char **environment) {
    (void)environment;
    if (count > 0) _swift_stdlib_overrideUnsafeArgvArgc(words, count);
    fill_standard_streams();
    stand_in(leave_predecessor());
}
