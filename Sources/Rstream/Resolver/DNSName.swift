internal import RstreamModel

/// A domain name as messages hold it: labels of any bytes, compared without regard to the case of ASCII's letters.
struct DNSName: Hashable, Sendable {
    /// The name on the wire, uncompressed and in lower case: each label behind its length, and the root's zero. One array
    /// of at most ``longest`` bytes, because an answer holds thousands of names.
    let bytes: [UInt8]

    /// A name takes at most 255 bytes (RFC 1035 §2.3.4), the root's zero included.
    static let longest = 255

    /// Takes what stands on the wire, with the root's zero, in whatever case.
    init(wire: [UInt8]) {
        bytes = wire.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }

    /// Takes a host name; nil for one that does not fit in a message.
    init?(_ host: String) {
        guard host.utf8.count < Self.longest else { return nil }
        var wire: [UInt8] = []
        for label in host.split(byte: ".", omittingEmpty: false) {
            guard (1...63).contains(label.utf8.count) else { return nil }
            wire.append(UInt8(truncatingIfNeeded: label.utf8.count))
            wire += label.utf8
        }
        wire.append(0)
        guard wire.count <= Self.longest else { return nil }
        self.init(wire: wire)
    }
}
