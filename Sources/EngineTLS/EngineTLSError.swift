// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Why a TLS connection failed, or could not be started.
package enum EngineTLSError: Error, Hashable, Sendable {
    /// The handshake failed; the names of BoringSSL's errors, such as `TLSV1_ALERT_PROTOCOL_VERSION`.
    case handshakeFailed([String])
    /// The connection was closed during the handshake.
    case closedDuringHandshake
    /// TLS failed after the handshake; the names of BoringSSL's errors.
    case failed([String])
    /// The connection ended without the peer's close_notify, so bytes may be missing.
    case truncated
    /// Bytes arrived before the connection was open, or after the peer's close_notify.
    case unexpectedBytes
    /// The name cannot be sent to a server.
    case unusableName
    /// BoringSSL does not take the settings, or has no memory for another connection.
    case unusableSettings
}
