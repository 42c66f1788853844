// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import RstreamWire

/// Checks the protocol version of a client (PROTOCOL.md §3). The rule of rstream's engines is not public; this one
/// accepts the engine's own major version and any minor version up to its own.
enum ProtocolVersion {
    /// Why the client is refused; nil if the version is accepted.
    static func refusal(of stated: String?) -> EngineError? {
        guard let stated, !stated.isEmpty else {
            return EngineError(code: .protocolVersionMissing, message: "Protocol version is missing.")
        }
        guard let theirs = components(of: stated), let ours = components(of: wireProtocolVersion) else {
            return EngineError(code: .protocolVersionInvalid, message: "Protocol version is not a version.")
        }
        guard theirs.major == ours.major, theirs.minor <= ours.minor else {
            return EngineError(
                code: .protocolVersionIncompatible,
                message: "Protocol version \(stated) is not compatible with \(wireProtocolVersion)."
            )
        }
        return nil
    }

    private static func components(of text: String) -> (major: Int, minor: Int)? {
        // A pre-release or build suffix does not matter here.
        let core = text.unicodeScalars.prefix { $0 != "-" && $0 != "+" }
        let numbers = Substring(core).split(byte: ".", omittingEmpty: false).map { part in
            part.allSatisfy(\.isASCIIDigit) ? Int(part) : nil
        }
        guard numbers.count == 3, let major = numbers[0], let minor = numbers[1], numbers[2] != nil else { return nil }
        return (major, minor)
    }
}
