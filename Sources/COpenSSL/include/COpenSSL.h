// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

// Signatures by keys that the system's OpenSSL 3 reaches through its providers, and nothing else of OpenSSL. Its
// libcrypto is loaded at the first call: programs are not linked with it, and a host that has no such key needs none.
//
// Nothing here is safe to call from two threads at once with the same store, because not every provider is: all calls
// for a store and its keys belong on one thread at a time. Every call may block for as long as a device likes.

#ifndef COPENSSL_H
#define COPENSSL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    COPENSSL_OK,
    /// There is no libcrypto.so.3 here, or one without what is needed.
    COPENSSL_NO_LIBRARY,
    /// The provider's file is missing.
    COPENSSL_NO_PROVIDER,
    /// The provider, or the module behind it, does not start.
    COPENSSL_PROVIDER_FAILED,
    COPENSSL_NO_KEY,
    /// What was found is an ordinary key in a file.
    COPENSSL_NOT_IN_DEVICE,
    COPENSSL_PIN_MISSING,
    COPENSSL_PIN_WRONG,
    /// After too many wrong ones, or because it has expired.
    COPENSSL_PIN_LOCKED,
    /// The token was removed, or the device cannot be reached.
    COPENSSL_DEVICE_AWAY,
    /// The device does not make signatures of this kind.
    COPENSSL_UNSUPPORTED,
    COPENSSL_FAILED,
} copenssl_result;

typedef enum {
    COPENSSL_PKCS11,
    COPENSSL_TPM2,
} copenssl_provider;

/// A provider and the module behind it. Lives as long as the process: modules do not like to be unloaded.
typedef struct copenssl_store copenssl_store;

/// A private key in a store.
typedef struct copenssl_key copenssl_key;

/// The longest signature, one of RSA with 16,384 bits.
#define COPENSSL_LONGEST_SIGNATURE 2048

/// Whether the library and the provider's file are there. Touches no device.
copenssl_result copenssl_examine(copenssl_provider provider);

/// Starts a provider; `module` is the PKCS#11 module's path, or NULL for the provider's own choice.
copenssl_result copenssl_open(copenssl_provider provider, const char *module, copenssl_store **store);

/// Finds a private key. `pin` may be NULL; it is not kept, but the provider may keep it.
copenssl_result copenssl_find(copenssl_store *store, const char *uri, const uint8_t *pin, size_t pin_length,
                              copenssl_key **key);

/// Signs with a signature scheme of TLS 1.3 (RFC 8446 §4.2.3). There is room for COPENSSL_LONGEST_SIGNATURE bytes at
/// `signature`.
copenssl_result copenssl_sign(copenssl_store *store, copenssl_key *key, uint16_t scheme, const uint8_t *input,
                              size_t length, uint8_t *signature, size_t *signature_length);

/// Whether a signature is one of the public key, a SubjectPublicKeyInfo in DER. The provider is not asked.
bool copenssl_verify(const uint8_t *public_key, size_t public_key_length, uint16_t scheme, const uint8_t *input,
                     size_t length, const uint8_t *signature, size_t signature_length);

/// Whether the key says of itself that this is its public key: 1 if so, 0 if it is another one, -1 if it does not say.
int copenssl_matches(copenssl_store *store, copenssl_key *key, const uint8_t *public_key, size_t public_key_length);

void copenssl_free(copenssl_store *store, copenssl_key *key);

#endif
