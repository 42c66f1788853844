// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// A domain name in DNS messages: labels of any bytes, compared without regard to ASCII case.
struct DNSName: Hashable, Sendable {
    /// The uncompressed wire format in lower case: each label after its length, then the root's zero. A single array,
    /// because an answer may hold thousands of names.
    let bytes: [UInt8]

    /// A name takes at most 255 bytes (RFC 1035 §2.3.4), the root's zero included.
    static let longest = 255

    /// A name from its uncompressed wire format, in any case.
    init(wire: [UInt8]) {
        bytes = wire.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }

    /// A host name; nil if a label or the name has an invalid length.
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
