// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import FoundationEssentials

/// The only decoder for JSON from outside.
///
/// FoundationEssentials' decoder ends the process at its own limit of nesting instead of throwing, so no input may
/// reach that limit: size, encoding, depth and marks are checked on the bytes before it sees them (``JSONShape``). A
/// test looks for other uses of it.
package enum GuardedJSON {
    /// Arrays and objects within one another. No document that these programs read has more than eight.
    package static let maximumDepth = 64
    /// Combining marks in a row. A String that is hashed or compared is normalised first, which costs the square of
    /// such a run; no language comes near, and an error text of one KiB holds no more.
    package static let mostMarks = 512

    package enum Failure: Error, Hashable {
        /// More bytes than the caller's limit.
        case tooLong(limit: Int)
        /// Not UTF-8, or with zero bytes: in UTF-16 the bytes would mean something else.
        case noText
        /// Deeper than ``maximumDepth``.
        case tooDeep
        /// More than ``mostMarks`` in a row.
        case tooManyMarks
        /// Not JSON, or not the expected values; `place` is where, as in `sessions[3].attempt`, and empty if that is
        /// unknown.
        case malformed(place: String)
    }

    /// Reads a value from at most `limit` bytes of JSON in UTF-8. A byte order mark in front of it is passed over.
    package static func decode<Value: Decodable>(
        _ type: Value.Type,
        from bytes: some Collection<UInt8>,
        limit: Int
    ) throws(Failure) -> Value {
        guard bytes.count <= limit else { throw .tooLong(limit: limit) }
        var json = Data(bytes)
        if json.starts(with: [0xEF, 0xBB, 0xBF]) { json.removeFirst(3) }
        let failure = json.withUnsafeBytes { JSONShape.check($0) }
        if let failure { throw failure }
        do {
            return try JSONDecoder().decode(type, from: json)
        } catch {
            throw .malformed(place: (error as? DecodingError)?.place ?? "")
        }
    }
}

extension GuardedJSON.Failure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLong(let limit): "longer than \(limit) bytes"
        case .noText: "not UTF-8"
        case .tooDeep: "more than \(GuardedJSON.maximumDepth) arrays and objects within one another"
        case .tooManyMarks: "more than \(GuardedJSON.mostMarks) combining marks in a row"
        case .malformed(""): "not the JSON that is expected"
        case .malformed(let place): "not the JSON that is expected at \(place)"
        }
    }
}

extension DecodingError {
    /// Where it happened, short whatever the keys are.
    fileprivate var place: String {
        let path: [any CodingKey] =
            switch self {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
                context.codingPath
            case .keyNotFound(let key, let context): context.codingPath + [key]
            @unknown default: []
            }
        var place = ""
        for key in path.prefix(8) {
            if let index = key.intValue {
                place += "[\(index)]"
            } else {
                place += (place.isEmpty ? "" : ".") + (key.stringValue.utf8.count <= 64 ? key.stringValue : "…")
            }
        }
        return place
    }
}
