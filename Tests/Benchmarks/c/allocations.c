// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

// Counts the heap allocations of a program that loads this library first (LD_PRELOAD), into the file that
// RSTREAM_ALLOCATIONS names, where another process reads them at any time: see struct counters.
//
//     cc -O2 -shared -fPIC -o allocations.so allocations.c

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// The file: four numbers of 64 bits in the machine's order, since the program's start.
struct counters {
    // Blocks that were given out. A block that grows or shrinks is another one, as it may have to be copied.
    atomic_uint_fast64_t allocations;
    // The bytes that were asked for in them.
    atomic_uint_fast64_t bytes;
    // Those of the blocks that took the place of an older one.
    atomic_uint_fast64_t reallocations;
    // Blocks that were given back.
    atomic_uint_fast64_t frees;
};

// Until the file is there, the program's loader and other constructors count here.
static struct counters early;
static struct counters *_Atomic counters = &early;

// What glibc's own functions are called by other names. Looking the next `malloc` up would itself allocate.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

static void add(atomic_uint_fast64_t *counter, uint64_t number) {
    atomic_fetch_add_explicit(counter, number, memory_order_relaxed);
}

static void *count(void *block, size_t bytes) {
    if (block) {
        struct counters *now = atomic_load_explicit(&counters, memory_order_relaxed);
        add(&now->allocations, 1);
        add(&now->bytes, bytes);
    }
    return block;
}

__attribute__((constructor)) static void open_file(void) {
    const char *path = getenv("RSTREAM_ALLOCATIONS");
    if (!path) return;
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return;
    if (ftruncate(file, sizeof early) == 0) {
        void *place = mmap(NULL, sizeof early, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (place != MAP_FAILED) atomic_store(&counters, place);
    }
    close(file);
}

void *malloc(size_t size) { return count(__libc_malloc(size), size); }

void *calloc(size_t number, size_t size) { return count(__libc_calloc(number, size), number * size); }

void *realloc(void *block, size_t size) {
    void *other = __libc_realloc(block, size);
    if (other && block) add(&atomic_load_explicit(&counters, memory_order_relaxed)->reallocations, 1);
    return count(other, size);
}

void *reallocarray(void *block, size_t number, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(number, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(block, bytes);
}

void *memalign(size_t alignment, size_t size) { return count(__libc_memalign(alignment, size), size); }

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **block, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
    void *found = memalign(alignment, size);
    if (!found) return ENOMEM;
    *block = found;
    return 0;
}

void free(void *block) {
    if (!block) return;
    add(&atomic_load_explicit(&counters, memory_order_relaxed)->frees, 1);
    __libc_free(block);
}
