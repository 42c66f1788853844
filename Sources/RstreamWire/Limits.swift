/// Every bound of the wire in one place (PROTOCOL.md §2).
package enum WireLimits {
    /// Longest payload of a frame, both directions, in bytes.
    package static let framePayload = 65_535
    /// Length of the big-endian header in front of every payload, in bytes.
    package static let frameHeader = 4
}

/// The schema level, `protocol_version` of `rstream.proto`, which every client states.
package let wireProtocolVersion = "1.4.5"

/// The only application protocol offered in the TLS handshake (PROTOCOL.md §1).
package let wireALPN = "rstrm/1"
