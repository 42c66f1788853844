internal import FoundationEssentials

/// The one way from bytes to JSON values.
///
/// FoundationEssentials' decoder ends the process at its own limit of nesting instead of throwing, so that nobody outside
/// may reach that: size, encoding, depth and marks are judged on the bytes before it sees them (``JSONShape``). A test looks
/// for other uses of it.
package enum GuardedJSON {
    /// Arrays and objects within one another. No document that these programs read has more than eight.
    package static let maximumDepth = 64
    /// Combining marks in a row. A String that is hashed or compared is normalised first, which costs the square of such a
    /// run; no language comes near, and an error text of one KiB holds no more.
    package static let mostMarks = 512

    package enum Failure: Error, Hashable {
        /// More bytes than the caller takes.
        case tooLong(limit: Int)
        /// Not UTF-8, or with zero bytes in it: in another encoding the bytes mean something else than they seem to.
        case noText
        /// Deeper than ``maximumDepth``.
        case tooDeep
        /// More than ``mostMarks`` in a row.
        case tooManyMarks
        /// No JSON, or not the values that were asked for; `place` is where, as in `sessions[3].attempt`, and empty where
        /// that is not known.
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
        let judgement = json.withUnsafeBytes { JSONShape.judge($0) }
        if let judgement { throw judgement }
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
