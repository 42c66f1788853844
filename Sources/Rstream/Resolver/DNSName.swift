/// A domain name as messages hold it: labels of any bytes, compared without regard to the case of letters.
struct DNSName: Hashable, Sendable {
    /// In lower case, without the empty one of the root.
    let labels: [[UInt8]]

    /// A name takes at most 255 bytes (RFC 1035 §2.3.4), the root's zero included.
    static let longest = 255

    init(labels: [[UInt8]]) {
        self.labels = labels
    }

    /// Takes a host name; nil for one that does not fit in a message.
    init?(_ host: String) {
        let labels = host.lowercased().split(separator: ".", omittingEmptySubsequences: false).map { Array($0.utf8) }
        guard labels.allSatisfy({ (1...63).contains($0.count) }), Self.length(of: labels) <= Self.longest else {
            return nil
        }
        self.labels = labels
    }

    /// The name on the wire, uncompressed.
    var bytes: [UInt8] {
        labels.flatMap { [UInt8(truncatingIfNeeded: $0.count)] + $0 } + [0]
    }

    private static func length(of labels: [[UInt8]]) -> Int {
        labels.reduce(1) { $0 + 1 + $1.count }
    }
}
