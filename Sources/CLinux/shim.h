#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
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

static inline int rstream_open_pipe(int ends[2]) {
    return (int)syscall(SYS_pipe2, ends, O_CLOEXEC | O_NONBLOCK);
}

// Where a signal handler writes. One function alone uses both, so every object file has both or neither.
static int rstream_signal_pipe = -1;

static void rstream_signal_came(int signal) {
    int saved = errno;
    unsigned char byte = (unsigned char)signal;
    // A full pipe holds more requests than anybody means.
    ssize_t written = write(rstream_signal_pipe, &byte, 1);
    (void)written;
    errno = saved;
}

static inline int rstream_take_signals(int pipe, const int *signals, int count) {
    rstream_signal_pipe = pipe;
    for (int index = 0; index < count; index++) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_handler = rstream_signal_came;
        action.sa_flags = SA_RESTART;
        if (sigaction(signals[index], &action, NULL) != 0) return -1;
    }
    return 0;
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
