// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// Which errors of an engine are worth a retry (PROTOCOL.md §14).
package enum RetryPolicy {
    /// Texts of code 2000 with which engines reported a conflict before code 8000 existed.
    private static let legacyConflicts = [
        "Hostname is already in use.", "TCP port is already in use.", "Registered WebTTY server is already online.",
    ]

    package static func retry(after error: EngineError) -> RstreamError.Retry {
        switch error.code {
        case .serviceUnavailable, .capacityExhausted, .resourceConflict, .internalError: .afterBackoff
        case .invalidRequest where legacyConflicts.contains { $0.sameBytes(as: error.message) }:
            .afterBackoff
        default: .afterReload
        }
    }

    /// The error for an engine that refused `action`, with the fix for an operator.
    package static func error(_ error: EngineError, refusing action: String) -> RstreamError {
        RstreamError(
            code: .engine,
            origin: .engine,
            retry: retry(after: error),
            what: "the engine refused \(action): \(error)",
            fix: fix(for: error.code),
            engineCode: error.code
        )
    }

    private static func fix(for code: EngineErrorCode) -> String? {
        switch code {
        case .unauthorized: "check the credential of the context, and that it may do this"
        case .invalidRequest: "change the tunnel's properties"
        case .protocolVersionMissing, .protocolVersionInvalid, .protocolVersionIncompatible:
            "install a release that speaks the engine's protocol version"
        case .tunnelNotFound: "check the tunnel's id or name"
        case .featureNotAvailable: "leave the property out, or use an engine that has it"
        case .resourceConflict: "another tunnel holds the name or port; stop it, or ask for another"
        default: nil
        }
    }
}
