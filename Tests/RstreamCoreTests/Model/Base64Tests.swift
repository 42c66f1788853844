// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import RstreamModel
import Testing

@Suite("Base64")
struct Base64Tests {
    private static let samples = (0..<100).map { length in
        (0..<length).map { UInt8(truncatingIfNeeded: $0 * 151 + length) }
    }

    @Test("is written by Foundation's rules, in either alphabet", arguments: samples)
    func encodes(bytes: [UInt8]) {
        let expected = Data(bytes).base64EncodedString()
        #expect(String(decoding: Base64.encode(bytes), as: UTF8.self) == expected)
        let forURL = expected.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        #expect(Base64.encodeForURL(bytes) == forURL)
    }

    @Test("is read back in either alphabet, with or without padding", arguments: samples)
    func decodes(bytes: [UInt8]) {
        #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        #expect(Base64.decode(Base64.encodeForURL(bytes).utf8) == bytes)
    }

    @Test(
        "is nothing else",
        arguments: ["A", "AAAAA", "AA=A", "====", "=AAA", "AAA===", "A A=", "AAA\n", "AA.A", "\u{E9}AA"]
    )
    func refuses(text: String) {
        #expect(Base64.decode(text.utf8) == nil)
    }
}
