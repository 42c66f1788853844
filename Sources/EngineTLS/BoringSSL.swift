// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CNIOBoringSSL

/// What every file of this module needs of BoringSSL: the names of its errors, and where it keeps a reference of ours.
enum BoringSSL {
    /// The slot in which an `SSL` refers to its ``TLSSession``.
    static let sessionSlot = CNIOBoringSSL_SSL_get_ex_new_index(0, nil, nil, nil, nil)

    /// Empties this thread's queue of errors. Has to be called before each call whose error is asked for.
    static func clearErrors() { CNIOBoringSSL_ERR_clear_error() }

    /// Takes the names of this thread's errors, such as `TLSV1_ALERT_PROTOCOL_VERSION`, the oldest first.
    static func takeErrors() -> [String] {
        var names: [String] = []
        // Ends, because BoringSSL keeps 16 at most.
        while case let code = CNIOBoringSSL_ERR_get_error(), code != 0 {
            if let name = unsafe CNIOBoringSSL_ERR_reason_error_string(code) {
                names.append(unsafe String(cString: name))
            }
        }
        return names
    }
}
