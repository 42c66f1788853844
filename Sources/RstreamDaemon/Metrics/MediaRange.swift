// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// A media type, or the range of them that a client accepts with a weight (RFC 9110 §12.5.1).
///
/// Of its parameters only the version counts: our texts are UTF-8 and have names that need no escaping, so nothing
/// depends on `charset` and `escaping`.
struct MediaRange: Hashable, Sendable {
    /// In lower case, `*` for any; the same for the subtype.
    var type: String
    var subtype: String
    var version: String?
    /// In thousandths: 0 means not to send this, 1000 is the default.
    var weight = 1_000

    /// The ranges of an `Accept` header; what is none is left out.
    static func all(in header: String) -> [Self] {
        pieces(of: header, at: ",").compactMap { Self(text: $0) }
    }

    init(type: String, subtype: String, version: String? = nil, weight: Int = 1_000) {
        (self.type, self.subtype, self.version, self.weight) = (type, subtype, version, weight)
    }

    private init?(text: String) {
        let parts = Self.pieces(of: text.asciiLowercased, at: ";")
        let names = Self.pieces(of: parts[0], at: "/")
        guard names.count == 2, names.allSatisfy(\.isToken), names[0] != "*" || names[1] == "*" else { return nil }
        (type, subtype) = (names[0], names[1])
        for part in parts.dropFirst() {
            let pair = Self.pieces(of: part, at: "=")
            guard pair.count == 2 else { continue }
            switch pair[0] {
            case "version": version = String(decoding: pair[1].utf8.filter { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
            case "q":
                guard let weight = Self.weight(pair[1]) else { return nil }
                self.weight = weight
            default: break
            }
        }
    }

    /// How closely the range describes `type`, the higher the closer; nil if `type` is not in it.
    func precision(for type: Self) -> Int? {
        if self.type == "*" { return 0 }
        guard self.type == type.type else { return nil }
        if subtype == "*" { return 1 }
        guard subtype == type.subtype else { return nil }
        guard let version else { return 2 }
        return version == type.version ? 3 : nil
    }

    /// `0.5` as 500: at most three digits behind the point, and at most one.
    private static func weight(_ text: String) -> Int? {
        let parts = text.split(byte: ".", omittingEmpty: false)
        let digits = parts.dropFirst().joined()
        guard parts.count <= 2, digits.utf8.count <= 3, digits.isDigits,
            let thousandths = Int(digits + String(repeating: "0", count: 3 - digits.utf8.count))
        else { return nil }
        switch parts[0] {
        case "0": return thousandths
        case "1" where thousandths == 0: return 1_000
        default: return nil
        }
    }

    /// The pieces between the separators that are not inside of quotes, without blanks around them; at least one.
    private static func pieces(of text: String, at separator: Unicode.Scalar) -> [String] {
        var pieces: [String] = []
        var (start, isQuoted, isEscaped) = (text.startIndex, false, false)
        for index in text.utf8.indices {
            switch text.utf8[index] {
            case _ where isEscaped: isEscaped = false
            case UInt8(ascii: "\\") where isQuoted: isEscaped = true
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: separator) where !isQuoted:
                pieces.append(String(text[start..<index]).trimmed)
                start = text.utf8.index(after: index)
            default: break
            }
        }
        return pieces + [String(text[start...]).trimmed]
    }
}

extension String {
    /// Whether it can be a part of a media type. Such texts compare byte by byte.
    fileprivate var isToken: Bool { !isEmpty && isVisibleASCII }
}
