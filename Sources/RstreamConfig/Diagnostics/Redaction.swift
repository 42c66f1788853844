import YAML

/// Says what in a file must not be shown.
enum Redaction {
    /// Keys that name where a secret is, or whether one is wanted, and do not hold it.
    private static let harmless: Set<String> = ["tokenfile", "tokencredential", "tokenauth", "notoken"]

    /// Whether the value of a key may be a secret; also of a key that is one slip of the finger away from being one.
    static func isSecret(_ key: String) -> Bool {
        let key = key.lowercased()
        if harmless.contains(key) { return false }
        if ["token", "secret", "password", "passwd"].contains(where: key.contains) { return true }
        // A proxy's URL and headers may hold its password.
        if key == "proxy" || key == "headers" || key == "credential" { return true }
        return NearestWord.distance(key, "token") <= 2
    }

    /// Calls `hide` with the place of every value that may be a secret.
    static func collect(from node: Node, hide: (Span) -> Void) {
        switch node.content {
        case .scalar: break
        case .sequence(let items):
            for item in items { collect(from: item, hide: hide) }
        case .mapping(let pairs):
            for pair in pairs { collect(from: pair, hide: hide) }
        }
    }

    /// Calls `hide` with the place of the value, if it may be a secret, or of those in it that may be.
    static func collect(from pair: Node.Pair, hide: (Span) -> Void) {
        if isSecret(pair.key) {
            hide(pair.value.span)
        } else {
            collect(from: pair.value, hide: hide)
        }
    }

    /// What to hide in comments, which are in no tree: the rest of the line behind a word that may be such a key.
    static func ranges(inCommentsOf scalars: [Unicode.Scalar]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        while start < scalars.count {
            let end = scalars[start...].firstIndex { $0 == "\n" || $0 == "\r" } ?? scalars.count
            let comment = scalars[start..<end].drop { $0 != "#" }
            if !comment.isEmpty, let value = secretValue(in: comment) { ranges.append(value..<end) }
            start = end + 1
        }
        return ranges
    }

    /// What to hide where there is no tree to tell keys from values: on every line the rest behind a word that may be
    /// such a key, and the lines below it that are indented more. Too much rather than too little.
    static func ranges(inUnreadable scalars: [Unicode.Scalar]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        var secretIndent: Int?
        while start < scalars.count {
            let end = scalars[start...].firstIndex { $0 == "\n" || $0 == "\r" } ?? scalars.count
            let line = scalars[start..<end]
            let indent = line.prefix { $0 == " " || $0 == "\t" }.count
            if indent == line.count {
                // A blank line belongs to whatever is around it.
            } else if let limit = secretIndent, indent > limit {
                ranges.append(start + indent..<end)
            } else if let value = secretValue(in: line) {
                secretIndent = indent
                ranges.append(value..<end)
            } else {
                secretIndent = nil
            }
            start = end + 1
        }
        return ranges
    }

    private static func secretValue(in line: ArraySlice<Unicode.Scalar>) -> Int? {
        func isWord(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.isAlphabetic || scalar == "_" || scalar == "-"
        }
        var index = line.startIndex
        while index < line.endIndex {
            guard isWord(line[index]) else {
                index += 1
                continue
            }
            let end = line[index...].firstIndex { !isWord($0) } ?? line.endIndex
            let word = String(String.UnicodeScalarView(line[index..<end]))
            index = end
            guard isSecret(word) else { continue }
            return line[end...].firstIndex { !"\"': \t".unicodeScalars.contains($0) }
        }
        return nil
    }
}
