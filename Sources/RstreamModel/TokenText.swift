// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// What a bearer token may be, wherever it comes from: one line of printable ASCII. Anything else is a mistake that
/// would be sent to the engine, like a private key in place of a token, or would end the header's line.
package enum TokenText {
    /// The longest token, in bytes.
    package static let longest = 16 * 1_024

    /// Why a text is not a token.
    package enum Problem: Error, Hashable, Sendable, CustomStringConvertible {
        case empty
        case tooLong
        case lines
        case characters

        /// What is wrong, to follow the name of the setting. It contains nothing of the text.
        package var description: String {
            switch self {
            case .empty: "is empty"
            case .tooLong: "is longer than \(TokenText.longest) bytes"
            case .lines: "has more than one line"
            case .characters: "contains characters other than printable ASCII"
            }
        }
    }

    /// The token in a file, without surrounding white space, and without the byte order mark of editors on Windows.
    package static func token(in bytes: [UInt8]) throws(Problem) -> Secret {
        let bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        func isBlank(_ byte: UInt8) -> Bool { [0x09, 0x0A, 0x0D, 0x20].contains(byte) }
        guard let start = bytes.firstIndex(where: { !isBlank($0) }), let last = bytes.lastIndex(where: { !isBlank($0) })
        else { throw .empty }
        let token = bytes[start...last]
        if let problem = problem(in: token) { throw problem }
        return token.withUnsafeBytes { Secret(bytes: $0) }
    }

    /// Checks a token that was given as text.
    package static func check(_ token: Secret) throws(Problem) {
        if let problem = token.withBytes({ problem(in: $0) }) { throw problem }
    }

    private static func problem(in token: some Collection<UInt8>) -> Problem? {
        if token.isEmpty { return .empty }
        if token.count > longest { return .tooLong }
        if token.contains(where: { $0 == 0x0A || $0 == 0x0D }) { return .lines }
        return token.allSatisfy { (0x20...0x7E).contains($0) } ? nil : .characters
    }
}
