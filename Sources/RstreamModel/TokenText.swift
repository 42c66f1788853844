/// What a bearer token may be, wherever it comes from: one line of printable ASCII. Anything else was never one, and would
/// go to the engine as it is; a private key that is named by mistake, or a line that ends the header.
package enum TokenText {
    /// The longest token, in bytes.
    package static let longest = 16 * 1_024

    /// Why a text is no token.
    package enum Flaw: Error, Hashable, Sendable, CustomStringConvertible {
        case empty
        case tooLong
        case lines
        case characters

        /// What is wrong, to stand behind the name of the place; it shows nothing of the text.
        package var description: String {
            switch self {
            case .empty: "is empty"
            case .tooLong: "is longer than \(TokenText.longest) bytes, which no token is"
            case .lines: "has more than one line, which no token has"
            case .characters: "holds other characters than printable ASCII, which no token does"
            }
        }
    }

    /// The token in what a file holds, without the blanks and ends of line around it, and without the byte order mark that
    /// editors of Windows put in front.
    package static func token(in bytes: [UInt8]) throws(Flaw) -> Secret {
        let bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        func isBlank(_ byte: UInt8) -> Bool { [0x09, 0x0A, 0x0D, 0x20].contains(byte) }
        guard let start = bytes.firstIndex(where: { !isBlank($0) }), let last = bytes.lastIndex(where: { !isBlank($0) })
        else { throw .empty }
        let token = bytes[start...last]
        if let flaw = flaw(in: token) { throw flaw }
        return token.withUnsafeBytes { Secret(bytes: $0) }
    }

    /// Judges a token that was given as a text.
    package static func check(_ token: Secret) throws(Flaw) {
        if let flaw = token.withBytes({ flaw(in: $0) }) { throw flaw }
    }

    private static func flaw(in token: some Collection<UInt8>) -> Flaw? {
        if token.isEmpty { return .empty }
        if token.count > longest { return .tooLong }
        if token.contains(where: { $0 == 0x0A || $0 == 0x0D }) { return .lines }
        return token.allSatisfy { (0x20...0x7E).contains($0) } ? nil : .characters
    }
}
