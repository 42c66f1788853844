// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#include "library.h"

#include <dlfcn.h>
#include <pthread.h>

struct openssl_functions openssl;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_loaded;

static bool find_functions(void *library) {
#define COPENSSL_FIND(Result, name, arguments)                                                                         \
    if ((*(void **)&openssl.name = dlsym(library, #name)) == NULL) return false;
    COPENSSL_FUNCTIONS(COPENSSL_FIND)
    return true;
}

static bool load(void) {
    // Its names stay its own: the programs contain another TLS library, with names that begin differently.
    void *library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return false;
    // Without a handler that runs at exit, while a device may still be busy on another thread (OPENSSL_INIT_NO_ATEXIT),
    // and without the host's openssl.cnf (OPENSSL_INIT_NO_LOAD_CONFIG), whose providers are not ours.
    if (find_functions(library) && openssl.OPENSSL_init_crypto(0x00080000 | 0x00000080, NULL) == 1) {
        openssl.OPENSSL_load_builtin_modules();
        // A provider that gets no PIN from us would ask for it on the terminal, and wait.
        openssl.UI_set_default_method(openssl.UI_null());
        return true;
    }
    dlclose(library);
    return false;
}

bool openssl_load(void) {
    pthread_mutex_lock(&lock);
    if (!is_loaded) is_loaded = load();
    bool result = is_loaded;
    pthread_mutex_unlock(&lock);
    return result;
}
