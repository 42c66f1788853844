#define _GNU_SOURCE
#include "CStart.h"

#include <fcntl.h>
#include <unistd.h>

// What has to be done before the first line of Swift: the runtime has opened files and lost words by then.

// Swift's runtime looks for the words of a command line beside the environment, or in /proc. Whoever has set a variable
// before a program's first line, as libraries do that LD_PRELOAD names, has moved the environment; and /proc may not be
// mounted. The words were lost then, and a daemon that was asked for its version began to serve. glibc hands the words
// over to every constructor, and the runtime takes them from here.
extern void _swift_stdlib_overrideUnsafeArgvArgc(char **words, int count);

// A program that is started without standard streams would get their numbers for its first files: what it prints would
// be written into a socket or a file of its own.
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
