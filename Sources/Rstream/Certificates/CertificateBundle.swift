// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOSSL

/// The certificates in a PEM file (RFC 7468): CA files, the system's trust store and client certificates are read with
/// it.
///
/// Each block is parsed on its own, as Go does, so a damaged one does not hide the others.
struct CertificateBundle: Sendable {
    let certificates: [NIOSSLCertificate]
    /// The lines, counted from 1, of the BEGIN markers whose block does not hold a certificate.
    let damagedLines: [Int]

    private static let begin = Array("-----BEGIN ".utf8)
    private static let end = Array("-----END ".utf8)
    private static let kind = Array("CERTIFICATE-----".utf8)

    init(pem: [UInt8]) {
        var (certificates, damaged) = ([NIOSSLCertificate](), [Int]())
        var block: (line: Int, start: Int)?
        var (number, place) = (0, 0)
        while place < pem.count {
            number += 1
            let next = pem[place...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? pem.count
            var line = pem[place..<next]
            while let last = line.last, Self.isBlank(last) { line.removeLast() }
            let isStart = line.starts(with: Self.begin)
            if let open = block, isStart || line.starts(with: Self.end) {
                let text = Array(pem[open.start..<(isStart ? place : next)])
                if let certificate = try? NIOSSLCertificate(bytes: text, format: .pem) {
                    certificates.append(certificate)
                } else {
                    damaged.append(open.line)
                }
                block = nil
            }
            if isStart, line.count >= Self.kind.count, line.suffix(Self.kind.count).elementsEqual(Self.kind) {
                block = (number, place)
            }
            place = next
        }
        if let block { damaged.append(block.line) }
        (self.certificates, damagedLines) = (certificates, damaged)
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n")].contains(byte)
    }
}
