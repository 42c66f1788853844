// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A number the engine uses to say why (PROTOCOL.md §14). Numbers that are not named here are kept and shown.
public struct EngineErrorCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number on the wire.
    public let rawValue: Int

    /// Takes any number; an engine newer than this code may use others.
    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// No code was given.
    public static let unspecified = Self(rawValue: 0)
    /// The credential is missing, unknown or not allowed to do this.
    public static let unauthorized = Self(rawValue: 1000)
    /// The request cannot be granted as it is.
    public static let invalidRequest = Self(rawValue: 2000)
    /// The client stated no protocol version.
    public static let protocolVersionMissing = Self(rawValue: 2010)
    /// The client's protocol version cannot be parsed.
    public static let protocolVersionInvalid = Self(rawValue: 2020)
    /// The engine does not speak the client's protocol version.
    public static let protocolVersionIncompatible = Self(rawValue: 2030)
    /// No tunnel of that id or name.
    public static let tunnelNotFound = Self(rawValue: 3000)
    /// The stream is unknown or in another state.
    public static let invalidStream = Self(rawValue: 4000)
    /// Not in this plan, edition or configuration.
    public static let featureNotAvailable = Self(rawValue: 5000)
    /// Something the peer depends on is down.
    public static let serviceUnavailable = Self(rawValue: 6000)
    /// Out of capacity for now.
    public static let capacityExhausted = Self(rawValue: 7000)
    /// Hostname, port or registration is held by another client for now.
    public static let resourceConflict = Self(rawValue: 8000)
    /// Internal fault of the peer.
    public static let internalError = Self(rawValue: 9000)

    /// The number, with its name where it has one.
    public var description: String {
        guard let name = Self.names[rawValue] else { return String(rawValue) }
        return "\(rawValue) \(name)"
    }

    private static let names: [Int: String] = [
        0: "unspecified", 1000: "unauthorized", 2000: "invalid request", 2010: "protocol version missing",
        2020: "protocol version invalid", 2030: "protocol version incompatible", 3000: "tunnel not found",
        4000: "invalid stream", 5000: "feature not available", 6000: "service unavailable",
        7000: "capacity exhausted", 8000: "resource conflict", 9000: "internal error",
    ]
}

/// An error as one peer states it to the other: a number and, usually, a text.
package struct EngineError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The number (PROTOCOL.md §14).
    package let code: EngineErrorCode
    /// The peer's own words; empty when it gave none.
    package let message: String

    /// Pairs a number with the peer's words.
    package init(code: EngineErrorCode, message: String = "") {
        self.code = code
        self.message = message
    }

    /// `engine error <code>: <message>`, the text form official tools use.
    package var description: String {
        message.isEmpty ? "engine error \(code.rawValue)" : "engine error \(code.rawValue): \(message)"
    }
}
