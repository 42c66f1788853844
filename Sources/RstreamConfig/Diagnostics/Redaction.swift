// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel
import YAML

/// Finds the parts of a file that must not be shown.
enum Redaction {
    /// Keys that name where a secret is, or whether one is wanted, and do not hold it.
    private static let harmless: Set<String> = ["tokenfile", "tokencredential", "tokenauth", "notoken"]

    /// Whether the value of a key may be a secret; also of a misspelled key.
    static func isSecret(_ key: String) -> Bool {
        let key = key.asciiLowercased
        if key.utf8.count <= 16, harmless.contains(key) { return false }
        if marks.contains(where: { key.firstRange(ofBytes: $0) != nil }) { return true }
        // None of the following is longer.
        guard key.utf8.count <= 4 * 10 else { return false }
        // In the client configuration a token is a `value` and a private key a `key`.
        if ["value", "key"].contains(key) { return true }
        // A proxy's URL and headers may hold its password.
        if isProxy(key) || key == "headers" || key == "credential" { return true }
        return token.distance(to: key) <= 2
    }

    /// What a key that holds a secret has in it.
    private static let marks: [StaticString] = ["token", "secret", "password", "passwd", "pin-value", "pin-source"]
    private static let token = NearestWord.Word("token")
    private static let proxy = NearestWord.Word("proxy")

    private static func isProxy(_ key: String) -> Bool {
        key.utf8.count <= 4 * 6 && proxy.distance(to: key.asciiLowercased) <= 1
    }

    /// Calls `hide` with the place of every value that may be a secret.
    static func collect(from node: Node, hide: (Span) -> Void) {
        switch node.content {
        case .scalar(let scalar):
            if holdsUser(scalar.text) || HardwareKey.holdsPIN(scalar.text) { hide(node.span) }
        case .sequence(let items):
            for item in items { collect(from: item, hide: hide) }
        case .mapping(let pairs):
            for pair in pairs { collect(from: pair, hide: hide) }
        }
    }

    /// Calls `hide` with the place of the value, if it may be a secret, or of those in it that may be.
    static func collect(from pair: Node.Pair, hide: (Span) -> Void) {
        if isProxy(pair.key) {
            collect(fromProxy: pair.value, hide: hide)
        } else if pair.key.sameBytes(as: "headers") {
            collect(fromHeaders: pair.value, hide: hide)
        } else if isSecret(pair.key), !isHarmless(pair.value) {
            hide(pair.value.span)
        } else {
            collect(from: pair.value, hide: hide)
        }
    }

    /// Of a proxy only that is shown which is known to be harmless: a misspelled key must not
    /// reveal its value.
    private static func collect(fromProxy node: Node, hide: (Span) -> Void) {
        guard case .mapping(let pairs) = node.content else { return hide(node.span) }
        for pair in pairs {
            switch pair.key {
            case "username", "fromEnvironment": break
            case "tls": collect(from: pair.value, hide: hide)
            case "headers": collect(fromHeaders: pair.value, hide: hide)
            case "http", "socks5":
                if !isProxyWithoutUser(pair.value) { hide(pair.value.span) }
            default: hide(pair.value.span)
            }
        }
    }

    private static func collect(fromHeaders node: Node, hide: (Span) -> Void) {
        guard case .mapping(let pairs) = node.content else { return hide(node.span) }
        for pair in pairs { hide(pair.value.span) }
    }

    /// Whether this is nothing, or a word that switches something, as `http.auth.token` does. The name of an anchor in
    /// front of nothing is something.
    private static func isHarmless(_ node: Node) -> Bool {
        guard case .scalar(let scalar) = node.content else { return false }
        let length = node.span.end.index - node.span.start.index
        if scalar.text.isEmpty { return length <= 2 }
        guard scalar.text.utf8.count <= 5 else { return false }
        return ["true", "false", "yes", "no", "on", "off"].contains(scalar.text.asciiLowercased)
    }

    private static func isProxyWithoutUser(_ node: Node) -> Bool {
        guard case .scalar(let scalar) = node.content, let url = try? ProxyURL(scalar.text) else { return false }
        return url.credentials == nil
    }

    /// Whether this is a URL with a user in it, who may have a password.
    private static func holdsUser(_ text: String) -> Bool {
        guard let mark = text.firstRange(ofBytes: "://") else { return false }
        return text[mark.upperBound...].contains(byte: "@")
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
    /// such a key, and the lines below it that are indented more, or the next one when the rest is empty. Too much
    /// rather than too little.
    static func ranges(inUnreadable scalars: [Unicode.Scalar]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        var secretIndent: Int?
        var isAwaited = false
        while start < scalars.count {
            let end = scalars[start...].firstIndex { $0 == "\n" || $0 == "\r" } ?? scalars.count
            let line = scalars[start..<end]
            let indent = line.prefix { $0 == " " || $0 == "\t" }.count
            if indent == line.count {
                // A blank line belongs to whatever is around it.
            } else if isAwaited || secretIndent.map({ indent > $0 }) == true {
                ranges.append(start + indent..<end)
                isAwaited = false
            } else if let value = secretValue(in: line) {
                secretIndent = indent
                ranges.append(value..<end)
                // Nothing, or the head of a block.
                isAwaited = scalars[value..<end].allSatisfy { "|>+-0123456789 \t".unicodeScalars.contains($0) }
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
            let word = line[index..<end]
            index = end
            // A shorter word is none, and most are.
            guard word.count >= 3, isSecret(String(String.UnicodeScalarView(word))) else { continue }
            return line[end...].firstIndex { !"\"': \t".unicodeScalars.contains($0) } ?? line.endIndex
        }
        return nil
    }
}
