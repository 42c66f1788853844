// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

// What is used of libcrypto.so.3: opaque types, and its functions behind pointers, by the names and declarations of
// OpenSSL 3.0, whose binary interface does not change before version 4.

#ifndef COPENSSL_LIBRARY_H
#define COPENSSL_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bio_st BIO;
typedef struct conf_st CONF;
typedef struct evp_md_ctx_st EVP_MD_CTX;
typedef struct evp_pkey_ctx_st EVP_PKEY_CTX;
typedef struct evp_pkey_st EVP_PKEY;
typedef struct ossl_lib_ctx_st OSSL_LIB_CTX;
typedef struct ossl_provider_st OSSL_PROVIDER;
typedef struct ossl_store_ctx_st OSSL_STORE_CTX;
typedef struct ossl_store_info_st OSSL_STORE_INFO;
typedef struct ui_method_st UI_METHOD;

/// Each function once: what it returns, its name, what it takes.
#define COPENSSL_FUNCTIONS(FUNCTION)                                                                                   \
    FUNCTION(int, OPENSSL_init_crypto, (uint64_t, const void *))                                                       \
    FUNCTION(void, OPENSSL_load_builtin_modules, (void))                                                               \
    FUNCTION(const char *, OPENSSL_info, (int))                                                                        \
    FUNCTION(void, CRYPTO_free, (void *, const char *, int))                                                           \
    FUNCTION(BIO *, BIO_new_mem_buf, (const void *, int))                                                              \
    FUNCTION(int, BIO_free, (BIO *))                                                                                   \
    FUNCTION(int, CONF_modules_load, (const CONF *, const char *, unsigned long))                                      \
    FUNCTION(CONF *, NCONF_new_ex, (OSSL_LIB_CTX *, void *))                                                           \
    FUNCTION(int, NCONF_load_bio, (CONF *, BIO *, long *))                                                             \
    FUNCTION(void, NCONF_free, (CONF *))                                                                               \
    FUNCTION(void, ERR_clear_error, (void))                                                                            \
    FUNCTION(unsigned long, ERR_get_error_all, (const char **, int *, const char **, const char **, int *))            \
    FUNCTION(OSSL_LIB_CTX *, OSSL_LIB_CTX_new, (void))                                                                 \
    FUNCTION(void, OSSL_LIB_CTX_free, (OSSL_LIB_CTX *))                                                                \
    FUNCTION(int, OSSL_PROVIDER_available, (OSSL_LIB_CTX *, const char *))                                             \
    FUNCTION(const char *, OSSL_PROVIDER_get0_name, (const OSSL_PROVIDER *))                                           \
    FUNCTION(OSSL_STORE_CTX *, OSSL_STORE_open_ex,                                                                     \
             (const char *, OSSL_LIB_CTX *, const char *, const UI_METHOD *, void *, const void *, void *, void *))    \
    FUNCTION(int, OSSL_STORE_expect, (OSSL_STORE_CTX *, int))                                                          \
    FUNCTION(int, OSSL_STORE_eof, (OSSL_STORE_CTX *))                                                                  \
    FUNCTION(int, OSSL_STORE_error, (OSSL_STORE_CTX *))                                                                \
    FUNCTION(int, OSSL_STORE_close, (OSSL_STORE_CTX *))                                                                \
    FUNCTION(OSSL_STORE_INFO *, OSSL_STORE_load, (OSSL_STORE_CTX *))                                                   \
    FUNCTION(int, OSSL_STORE_INFO_get_type, (const OSSL_STORE_INFO *))                                                 \
    FUNCTION(EVP_PKEY *, OSSL_STORE_INFO_get1_PKEY, (const OSSL_STORE_INFO *))                                         \
    FUNCTION(void, OSSL_STORE_INFO_free, (OSSL_STORE_INFO *))                                                          \
    FUNCTION(UI_METHOD *, UI_UTIL_wrap_read_pem_callback, (int (*)(char *, int, int, void *), int))                    \
    FUNCTION(void, UI_destroy_method, (UI_METHOD *))                                                                   \
    FUNCTION(const UI_METHOD *, UI_null, (void))                                                                       \
    FUNCTION(void, UI_set_default_method, (const UI_METHOD *))                                                         \
    FUNCTION(EVP_MD_CTX *, EVP_MD_CTX_new, (void))                                                                     \
    FUNCTION(void, EVP_MD_CTX_free, (EVP_MD_CTX *))                                                                    \
    FUNCTION(int, EVP_DigestSignInit_ex,                                                                               \
             (EVP_MD_CTX *, EVP_PKEY_CTX **, const char *, OSSL_LIB_CTX *, const char *, EVP_PKEY *, const void *))    \
    FUNCTION(int, EVP_DigestSign, (EVP_MD_CTX *, unsigned char *, size_t *, const unsigned char *, size_t))            \
    FUNCTION(int, EVP_DigestVerifyInit_ex,                                                                             \
             (EVP_MD_CTX *, EVP_PKEY_CTX **, const char *, OSSL_LIB_CTX *, const char *, EVP_PKEY *, const void *))    \
    FUNCTION(int, EVP_DigestVerify,                                                                                    \
             (EVP_MD_CTX *, const unsigned char *, size_t, const unsigned char *, size_t))                             \
    FUNCTION(int, EVP_PKEY_CTX_set_rsa_padding, (EVP_PKEY_CTX *, int))                                                 \
    FUNCTION(int, EVP_PKEY_CTX_set_rsa_pss_saltlen, (EVP_PKEY_CTX *, int))                                             \
    FUNCTION(const OSSL_PROVIDER *, EVP_PKEY_get0_provider, (const EVP_PKEY *))                                        \
    FUNCTION(void, EVP_PKEY_free, (EVP_PKEY *))                                                                        \
    FUNCTION(EVP_PKEY *, d2i_PUBKEY_ex, (EVP_PKEY **, const unsigned char **, long, OSSL_LIB_CTX *, const char *))     \
    FUNCTION(int, i2d_PUBKEY, (const EVP_PKEY *, unsigned char **))

#define COPENSSL_POINTER(Result, name, arguments) Result(*name) arguments;

/// The functions, once openssl_load() has returned true.
struct openssl_functions {
    COPENSSL_FUNCTIONS(COPENSSL_POINTER)
};

extern struct openssl_functions openssl;

/// Loads libcrypto unless it is loaded; false if it cannot be, which the next call tries again. Any thread may call it.
bool openssl_load(void);

#endif
