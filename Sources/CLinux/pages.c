// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#define _GNU_SOURCE
#include "CLinux.h"

#include <link.h>
#include <stdint.h>
#include <sys/mman.h>

static int release(struct dl_phdr_info *program, size_t size, void *context) {
    (void)size;
    (void)context;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int index = 0; index < program->dlpi_phnum; index++) {
        const ElfW(Phdr) *part = &program->dlpi_phdr[index];
        // What is or was writable holds values that no file has.
        if (part->p_type != PT_LOAD || (part->p_flags & PF_W)) continue;
        const uintptr_t begin = (program->dlpi_addr + part->p_vaddr) & ~(page - 1);
        const uintptr_t end = (program->dlpi_addr + part->p_vaddr + part->p_filesz) & ~(page - 1);
        if (begin < end) (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
    }
    // The first is the program itself; libraries follow.
    return 1;
}

void rstream_release_program_pages(void) {
    dl_iterate_phdr(release, NULL);
}
