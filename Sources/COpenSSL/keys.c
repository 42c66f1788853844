// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#define _GNU_SOURCE
#include "COpenSSL.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "library.h"

struct copenssl_store {
    copenssl_provider provider;
    OSSL_LIB_CTX *context;
};

struct copenssl_key {
    EVP_PKEY *key;
};

static const char *name_of(copenssl_provider provider) { return provider == COPENSSL_PKCS11 ? "pkcs11" : "tpm2"; }

// What went wrong, by the errors that this thread's queue holds. The numbers of PKCS#11 (CK_RV) are those that
// pkcs11-provider reports; tpm2-openssl has its TPM's number (TPM2_RC) at the beginning of a text.

static copenssl_result result_of_pkcs11(unsigned long number) {
    switch (number) {
    case 0xA0: case 0xA1: case 0xA2: return COPENSSL_PIN_WRONG;     // INCORRECT, INVALID, LEN_RANGE
    case 0xA3: case 0xA4: return COPENSSL_PIN_LOCKED;               // EXPIRED, LOCKED
    case 0x101: case 0x102: return COPENSSL_PIN_MISSING;            // NOT_LOGGED_IN, PIN_NOT_INITIALIZED
    case 0x30: case 0x32: case 0xE0: case 0xE1: return COPENSSL_DEVICE_AWAY;  // DEVICE_, TOKEN_
    case 0xB3: case 0x82: return COPENSSL_DEVICE_AWAY;              // SESSION_HANDLE_, OBJECT_HANDLE_INVALID
    case 0x63: case 0x68: case 0x70: case 0x71: return COPENSSL_UNSUPPORTED;  // KEY_TYPE, FUNCTION, MECHANISM_
    default: return COPENSSL_FAILED;
    }
}

static copenssl_result result_of_tpm(const char *text) {
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    if (end == text) return COPENSSL_FAILED;
    // Another layer of the TPM's software than the TPM itself.
    if ((number & 0xFF0000) != 0) return (number & 0xFF0000) == 0xA0000 ? COPENSSL_DEVICE_AWAY : COPENSSL_FAILED;
    if (number == 0x921) return COPENSSL_PIN_LOCKED;  // LOCKOUT
    // Without the number of the handle, session or parameter.
    switch (number & 0x80 ? number & 0xBF : number) {
    case 0x8E: case 0xA2: return COPENSSL_PIN_WRONG;  // AUTH_FAIL, BAD_AUTH
    case 0x82: case 0x83: case 0x92: return COPENSSL_UNSUPPORTED;  // ATTRIBUTES, HASH, SCHEME
    case 0x8B: return COPENSSL_NO_KEY;                // HANDLE
    default: return COPENSSL_FAILED;
    }
}

/// Empties the queue and returns what it says of the cause; `unknown` if it says nothing.
static copenssl_result take_errors(copenssl_provider provider, copenssl_result unknown) {
    copenssl_result found = COPENSSL_FAILED;
    const char *text;
    int flags;
    unsigned long error;
    for (int taken = 0; taken < 64; taken++) {
        error = openssl.ERR_get_error_all(NULL, NULL, NULL, &text, &flags);
        if (error == 0) break;
        // Providers have numbers of their own for whose error it is (ERR_LIB_USER).
        if (((error >> 23) & 0xFF) < 128 || found != COPENSSL_FAILED) continue;
        if (provider == COPENSSL_PKCS11) found = result_of_pkcs11(error & 0x7FFFFF);
        else if ((flags & 0x02) != 0 && text != NULL) found = result_of_tpm(text);
    }
    openssl.ERR_clear_error();
    return found == COPENSSL_FAILED ? unknown : found;
}

copenssl_result copenssl_examine(copenssl_provider provider) {
    if (!openssl_load()) return COPENSSL_NO_LIBRARY;
    const char *folder = secure_getenv("OPENSSL_MODULES");
    if (folder == NULL) folder = openssl.OPENSSL_info(1003);  // OPENSSL_INFO_MODULES_DIR
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s.so", folder == NULL ? "" : folder, name_of(provider));
    if (length <= 0 || (size_t)length >= sizeof path) return COPENSSL_NO_PROVIDER;
    return access(path, R_OK) == 0 ? COPENSSL_OK : COPENSSL_NO_PROVIDER;
}

/// Settings of our own for this one context: what the host's openssl.cnf says is for other programs.
static bool configure(OSSL_LIB_CTX *context, const char *provider, const char *module) {
    char text[PATH_MAX + 512];
    // The PIN is kept, so that a token that was unplugged, or wants it for each signature, gets it again.
    int length = snprintf(
        text, sizeof text,
        "openssl_conf = all\n[all]\nproviders = providers\n[providers]\ndefault = plain\n%s = device\n"
        "[plain]\nactivate = 1\n[device]\nactivate = 1\n%s%s\n%s",
        provider, module == NULL ? "" : "pkcs11-module-path = ", module == NULL ? "" : module,
        strcmp(provider, "pkcs11") == 0 ? "pkcs11-module-cache-pins = cache\npkcs11-module-quirks = no-deinit\n"
                                         "pkcs11-module-load-behavior = early\n" : "");
    if (length <= 0 || (size_t)length >= sizeof text) return false;
    BIO *bio = openssl.BIO_new_mem_buf(text, length);
    CONF *settings = openssl.NCONF_new_ex(context, NULL);
    long line;
    bool isDone = bio != NULL && settings != NULL && openssl.NCONF_load_bio(settings, bio, &line) > 0
        && openssl.CONF_modules_load(settings, NULL, 0) > 0
        && openssl.OSSL_PROVIDER_available(context, provider) == 1;
    openssl.NCONF_free(settings);
    openssl.BIO_free(bio);
    return isDone;
}

copenssl_result copenssl_open(copenssl_provider provider, const char *module, copenssl_store **out) {
    *out = NULL;
    copenssl_result result = copenssl_examine(provider);
    if (result != COPENSSL_OK) return result;
    openssl.ERR_clear_error();
    copenssl_store *store = calloc(1, sizeof *store);
    if (store == NULL) return COPENSSL_FAILED;
    store->provider = provider;
    store->context = openssl.OSSL_LIB_CTX_new();
    if (store->context != NULL && configure(store->context, name_of(provider), module)) {
        openssl.ERR_clear_error();
        *out = store;
        return COPENSSL_OK;
    }
    result = take_errors(provider, COPENSSL_PROVIDER_FAILED);
    if (store->context != NULL) openssl.OSSL_LIB_CTX_free(store->context);
    free(store);
    return result;
}

struct pin {
    const uint8_t *bytes;
    size_t length;
    bool isAsked;
};

static int give_pin(char *buffer, int size, int isForWriting, void *data) {
    (void)isForWriting;
    struct pin *pin = data;
    pin->isAsked = true;
    if (pin->bytes == NULL || size < 0 || pin->length > (size_t)size) return -1;
    memcpy(buffer, pin->bytes, pin->length);
    return (int)pin->length;
}

static const int PRIVATE_KEY = 4;  // OSSL_STORE_INFO_PKEY

/// The first private key that a store finds; NULL if it finds none.
static EVP_PKEY *search(OSSL_LIB_CTX *context, const char *uri, struct pin *pin) {
    UI_METHOD *method = openssl.UI_UTIL_wrap_read_pem_callback(give_pin, 0);
    if (method == NULL) return NULL;
    EVP_PKEY *found = NULL;
    OSSL_STORE_CTX *search = openssl.OSSL_STORE_open_ex(uri, context, NULL, method, pin, NULL, NULL, NULL);
    if (search != NULL) {
        openssl.OSSL_STORE_expect(search, PRIVATE_KEY);
        // A bound of what a store may hold that is no private key.
        for (int looked = 0; looked < 64 && found == NULL && openssl.OSSL_STORE_eof(search) == 0; looked++) {
            OSSL_STORE_INFO *item = openssl.OSSL_STORE_load(search);
            if (item == NULL) {
                if (openssl.OSSL_STORE_error(search) != 0) break;
                continue;
            }
            if (openssl.OSSL_STORE_INFO_get_type(item) == PRIVATE_KEY) found = openssl.OSSL_STORE_INFO_get1_PKEY(item);
            openssl.OSSL_STORE_INFO_free(item);
        }
        openssl.OSSL_STORE_close(search);
    }
    openssl.UI_destroy_method(method);
    return found;
}

/// Why a search in which the PIN was asked for, or not, has found nothing.
static copenssl_result explain(copenssl_store *store, const char *uri, const struct pin *pin) {
    copenssl_result result = take_errors(store->provider, COPENSSL_NO_KEY);
    if (!pin->isAsked) return result;
    if (pin->bytes == NULL) return COPENSSL_PIN_MISSING;
    if (store->provider != COPENSSL_PKCS11 || result != COPENSSL_NO_KEY) return result;
    // pkcs11-provider drops the error of a login. It asks for no PIN once it is logged in, so a search that gives none
    // tells, and is no attempt that a token would count.
    struct pin none = {NULL, 0, false};
    openssl.EVP_PKEY_free(search(store->context, uri, &none));
    openssl.ERR_clear_error();
    return none.isAsked ? COPENSSL_PIN_WRONG : COPENSSL_NO_KEY;
}

copenssl_result copenssl_find(copenssl_store *store, const char *uri, const uint8_t *bytes, size_t length,
                              copenssl_key **out) {
    *out = NULL;
    openssl.ERR_clear_error();
    struct pin pin = {bytes, length, false};
    EVP_PKEY *found = search(store->context, uri, &pin);
    if (found == NULL) return explain(store, uri, &pin);
    openssl.ERR_clear_error();
    const OSSL_PROVIDER *owner = openssl.EVP_PKEY_get0_provider(found);
    bool isInDevice = owner != NULL && strcmp(openssl.OSSL_PROVIDER_get0_name(owner), name_of(store->provider)) == 0;
    copenssl_key *key = isInDevice ? calloc(1, sizeof *key) : NULL;
    if (key == NULL) {
        openssl.EVP_PKEY_free(found);
        return isInDevice ? COPENSSL_FAILED : COPENSSL_NOT_IN_DEVICE;
    }
    key->key = found;
    *out = key;
    return COPENSSL_OK;
}

/// The hash of a signature scheme, and whether it is RSA with PSS. Ed25519 has a hash of its own.
static bool read_scheme(uint16_t scheme, const char **hash, bool *isPSS) {
    *isPSS = scheme == 0x0804 || scheme == 0x0805 || scheme == 0x0806;
    switch (scheme) {
    case 0x0403: case 0x0804: *hash = "SHA256"; return true;
    case 0x0503: case 0x0805: *hash = "SHA384"; return true;
    case 0x0603: case 0x0806: *hash = "SHA512"; return true;
    case 0x0807: *hash = NULL; return true;
    default: return false;
    }
}

static bool set_padding(EVP_PKEY_CTX *settings) {
    // RSA_PKCS1_PSS_PADDING, and a salt as long as the hash (RFC 8446 §4.2.3).
    return openssl.EVP_PKEY_CTX_set_rsa_padding(settings, 6) > 0
        && openssl.EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, -1) > 0;
}

copenssl_result copenssl_sign(copenssl_store *store, copenssl_key *key, uint16_t scheme, const uint8_t *input,
                              size_t length, uint8_t *signature, size_t *signature_length) {
    const char *hash;
    bool isPSS;
    if (!read_scheme(scheme, &hash, &isPSS)) return COPENSSL_UNSUPPORTED;
    openssl.ERR_clear_error();
    EVP_MD_CTX *work = openssl.EVP_MD_CTX_new();
    EVP_PKEY_CTX *settings = NULL;
    size_t made = COPENSSL_LONGEST_SIGNATURE;
    bool isDone = work != NULL
        && openssl.EVP_DigestSignInit_ex(work, &settings, hash, store->context, NULL, key->key, NULL) > 0
        && (!isPSS || set_padding(settings))
        && openssl.EVP_DigestSign(work, signature, &made, input, length) > 0;
    openssl.EVP_MD_CTX_free(work);
    if (!isDone) return take_errors(store->provider, COPENSSL_FAILED);
    openssl.ERR_clear_error();
    *signature_length = made;
    return COPENSSL_OK;
}

/// A public key as OpenSSL itself knows it, without a provider of a device.
static EVP_PKEY *read_public(const uint8_t *bytes, size_t length) {
    if (length > LONG_MAX) return NULL;
    const unsigned char *next = bytes;
    return openssl.d2i_PUBKEY_ex(NULL, &next, (long)length, NULL, NULL);
}

bool copenssl_verify(const uint8_t *public_key, size_t public_key_length, uint16_t scheme, const uint8_t *input,
                     size_t length, const uint8_t *signature, size_t signature_length) {
    const char *hash;
    bool isPSS;
    if (!openssl_load() || !read_scheme(scheme, &hash, &isPSS)) return false;
    EVP_PKEY *key = read_public(public_key, public_key_length);
    EVP_MD_CTX *work = openssl.EVP_MD_CTX_new();
    EVP_PKEY_CTX *settings = NULL;
    bool isGood = key != NULL && work != NULL
        && openssl.EVP_DigestVerifyInit_ex(work, &settings, hash, NULL, NULL, key, NULL) > 0
        && (!isPSS || set_padding(settings))
        && openssl.EVP_DigestVerify(work, signature, signature_length, input, length) == 1;
    openssl.EVP_MD_CTX_free(work);
    openssl.EVP_PKEY_free(key);
    openssl.ERR_clear_error();
    return isGood;
}

int copenssl_matches(copenssl_store *store, copenssl_key *key, const uint8_t *public_key, size_t public_key_length) {
    (void)store;
    unsigned char *own = NULL;
    int length = openssl.i2d_PUBKEY(key->key, &own);
    openssl.ERR_clear_error();
    if (length <= 0 || own == NULL) return -1;
    bool isSame = (size_t)length == public_key_length && memcmp(own, public_key, public_key_length) == 0;
    openssl.CRYPTO_free(own, __FILE__, __LINE__);
    return isSame ? 1 : 0;
}

void copenssl_free(copenssl_store *store, copenssl_key *key) {
    (void)store;
    if (key == NULL) return;
    openssl.EVP_PKEY_free(key->key);
    free(key);
}
