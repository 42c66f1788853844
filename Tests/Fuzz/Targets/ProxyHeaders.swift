// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel
import RstreamRelay

/// The header of the PROXY protocol for any visitor, read as a service would.
enum ProxyHeaders {
    private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]

    static func check(_ bytes: [UInt8]) throws(Finding) {
        var choices = Choices(bytes)
        let port = choices.bool() ? UInt16(choices.byte()) << 8 | UInt16(choices.byte()) : nil
        let source: IPAddress?
        switch choices.number(below: 4) {
        case 0: source = nil
        case 1: source = .v4(choices.take(4).reduce(0) { $0 << 8 | UInt32($1) })
        case 2: source = IPAddress(v6Octets: choices.take(16))
        // A visitor of IPv4 at a socket of IPv6.
        default: source = IPAddress(v6Octets: Array(repeating: 0, count: 10) + [0xFF, 0xFF] + choices.take(4))
        }
        let shown = source?.unmapped
        try line(ProxyProtocol.header(.v1, source: source, destinationPort: port), shown, port)
        try block(ProxyProtocol.header(.v2, source: source, destinationPort: port), shown, port)
    }

    /// A line of at most 107 bytes with its end, which services read into a buffer of that size.
    private static func line(_ header: [UInt8], _ source: IPAddress?, _ port: UInt16?) throws(Finding) {
        let text = header.text
        try demand(header.count <= 107 && text.utf8.suffix(2).elementsEqual("\r\n".utf8), "a line is \(text)")
        let words = text.utf8.dropLast(2).split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
        guard let source else { return try demand(words == ["PROXY", "UNKNOWN"], "an unknown visitor is \(text)") }
        let family = if case .v4 = source { "TCP4" } else { "TCP6" }
        try demand(words.count == 6 && words[0] == "PROXY" && words[1] == family, "\(source) is \(text)")
        try demand(IPAddress(words[2]) == source, "\(source) is \(words[2])")
        try demand(IPAddress(words[3])?.octets.count == source.octets.count, "the families differ in \(text)")
        try demand(words[4] == "1" && words[5] == "\(ownPort(port))", "\(port.map { "\($0)" } ?? "-") is \(text)")
    }

    private static func block(_ header: [UInt8], _ source: IPAddress?, _ port: UInt16?) throws(Finding) {
        try demand(header.count >= 16 && header.starts(with: signature), "a block begins with \(header)")
        let length = Int(header[14]) << 8 | Int(header[15])
        try demand(length == header.count - 16, "a block of \(header.count) bytes says \(length)")
        guard let source else {
            return try demand(header[12] == 0x20 && length == 0, "an unknown visitor is \(header)")
        }
        let octets = source.octets
        try demand(header[12] == 0x21 && header[13] == (octets.count == 4 ? 0x11 : 0x21), "the kind is \(header)")
        try demand(length == 2 * octets.count + 4, "the addresses take \(length) bytes")
        try demand(header[16...].starts(with: octets), "\(source) is \(header)")
        let ports = header.suffix(4)
        let own = ownPort(port)
        try demand(ports.elementsEqual([0, 1, UInt8(own >> 8), UInt8(own & 0xFF)]), "the ports are \(ports)")
    }

    /// Some services refuse port 0.
    private static func ownPort(_ port: UInt16?) -> UInt16 { port.flatMap { $0 == 0 ? nil : $0 } ?? 1 }
}
