// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

@testable import Rstream

/// A certificate's DER, as an engine presents it.
enum Certificates {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        var reader = DERReader(bytes[...])
        var read = 0
        while let element = try? reader.read() {
            read += 2 + element.contents.count
            try demand(read <= bytes.count, "elements of \(read) bytes in \(bytes.count)")
        }
        guard let contents = try? CertificateContents(der: bytes) else { return }
        for name in [contents.subject, contents.issuer] {
            guard let text = name.text else { continue }
            // A replaced byte takes three.
            try demand(!text.isEmpty && text.utf8.count <= 3 * 65, "a name has \(text.utf8.count) bytes")
        }
        if case .rsa(let bits) = contents.key { try demand((0...8 * bytes.count).contains(bits), "\(bits) bits") }
        if let validity = contents.validity { _ = "\(validity)" }
        try demand(contents.names.allSatisfy { $0.count < bytes.count }, "a name is longer than the certificate")
    }
}
