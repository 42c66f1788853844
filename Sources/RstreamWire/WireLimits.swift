// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The limits of everything on the wire (PROTOCOL.md §2).
package enum WireLimits {
    /// Longest payload of a frame, both directions, in bytes.
    package static let framePayload = 65_535
    /// Length of the big-endian header in front of every payload, in bytes.
    package static let frameHeader = 4

    // The limits of texts in a message, in bytes. The schema limits them by the frame only.

    /// An identifier of a tunnel, a stream, a request or a client; official engines use UUIDs.
    package static let identifier = 128
    /// A name of a tunnel, in a private dial too.
    package static let name = 255
    /// A secret of a stream.
    package static let secret = 4_096
    /// A credential of an agent.
    package static let token = 16_384
    /// An address to dial: a host name and a port.
    package static let endpoint = 300
    /// One word of a property: a protocol, a version, a country, an address range, a cipher.
    package static let word = 256
    /// A deprecated certificate in a property, which is decoded and never used.
    package static let certificate = 16_384
    /// The text of an error or a notice; a longer one is cut.
    package static let text = 1_024
    /// A text of a peer about its own program; a longer one is cut.
    package static let detail = 128
    /// Labels of a tunnel, and the bytes of each key and value.
    package static let labels = 64
    package static let labelKey = 256
    package static let labelValue = 1_024
}

/// The schema level that every client sends: `protocol_version` of `rstream.proto`.
package let wireProtocolVersion = "1.4.5"

/// The only application protocol offered in the TLS handshake (PROTOCOL.md §1).
package let wireALPN = "rstrm/1"
