// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import FoundationEssentials
package import GuardedJSON
internal import RstreamModel

/// JSON as the admin API writes it: keys in alphabetical order, so that equal answers are equal bytes, with escapes for
/// every character that a terminal would act on or not show.
package enum AdminJSON {
    /// Bytes of a request, headers and body together.
    package static let longestRequest = 64 * 1_024
    /// Bytes of an answer. Metrics of 10,000 tunnels take half of it.
    package static let longestReply = 64 * 1_024 * 1_024

    package static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try escapingHidden(Array(encoder.encode(value)))
    }

    /// Reads at most `limit` bytes.
    package static func decode<Value: Decodable>(
        _ type: Value.Type,
        from bytes: some Collection<UInt8>,
        limit: Int = longestReply
    ) throws(GuardedJSON.Failure) -> Value {
        try GuardedJSON.decode(type, from: bytes, limit: limit)
    }

    /// The same JSON with invisible characters escaped. Encoders escape the control characters of ASCII only;
    /// everything outside ASCII is inside strings.
    package static func escapingHidden(_ json: [UInt8]) -> [UInt8] {
        guard json.contains(where: { $0 >= 0x7F }) else { return json }
        var escaped: [UInt8] = []
        escaped.reserveCapacity(json.count)
        for scalar in String(decoding: json, as: UTF8.self).unicodeScalars {
            if scalar.value >= 0x7F, scalar.isHidden {
                escaped += scalar.escapedJSON.utf8
            } else {
                escaped += String(scalar).utf8
            }
        }
        return escaped
    }
}

/// A word from a list that other versions of the daemon may extend: an unknown one is kept, and shown as it came.
package protocol OpenEnum: RawRepresentable<String>, Codable, Hashable, Sendable, CaseIterable {}
