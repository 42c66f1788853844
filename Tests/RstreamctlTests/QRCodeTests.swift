// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Testing

@testable import rstreamctl

@Suite("QR codes")
struct QRCodeTests {
    private static func rows(_ code: QRCode) -> [String] {
        (0..<code.size).map { row in (0..<code.size).map { code[row, $0] ? "1" : "0" }.joined() }
    }

    /// FNV-1a.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// An address of this length.
    private static func text(_ length: Int) -> String {
        let head = "https://t.example/"
        let tail = (0..<max(0, length - head.utf8.count)).map { UInt8(97 + $0 % 26) }
        return head + String(decoding: tail, as: UTF8.self)
    }

    @Test("the error correction of a known message is right")
    func correction() {
        let data: [UInt8] = [32, 91, 11, 120, 209, 114, 220, 77, 67, 64, 236, 17, 236, 17, 236, 17]
        #expect(GaloisField.remainder(of: data, degree: 10) == [196, 35, 39, 119, 235, 215, 231, 226, 93, 23])
    }

    @Test("a code is the one that another program draws")
    func whole() throws {
        let code = try #require(QRCode("https://web.t.localhost:8443"))
        #expect(
            Self.rows(code) == [
                "1111111011110110001111111", "1000001000011110101000001", "1011101001010110101011101",
                "1011101000111100101011101", "1011101000111110101011101", "1000001001010010001000001",
                "1111111010101010101111111", "0000000011011111100000000", "1101101001000010101000001",
                "1001110110111111000111110", "1110101011011011001101001", "1001000010010000001101111",
                "1010111111110000101000001", "1010100011111011100010010", "1100101110001011101011111",
                "1011110010000001000101101", "1011111001110100111110110", "0000000010101010100010110",
                "1111111000011010101010001", "1000001001001100100010001", "1011101011010011111110010",
                "1011101010011000101000011", "1011101000111000010011111", "1000001010001001000110111",
                "1111111011100010110001001",
            ]
        )
    }

    @Test(
        "codes of all versions are those of another program",
        arguments: [
            (50, 3, 0xF273_977C_F05A_A63F), (78, 4, 0x4B8F_2A86_7BB7_6AF6), (100, 5, 0xD5C4_2707_17F2_82ED),
            (106, 5, 0x7FFF_A77B_BC23_EF45), (120, 6, 0x1A6B_B2FA_21AB_4276), (150, 7, 0xC107_B563_81D8_7283),
            (154, 7, 0x2A29_BA84_2B17_2F13), (180, 8, 0x9F6E_BDE4_597F_6F89), (225, 9, 0x38DB_673A_DD35_AB16),
            (240, 10, 0xE23D_DDBF_71F0_2E83), (271, 10, 0x2B9F_5EB6_E6CF_26D9),
        ] as [(Int, Int, UInt64)]
    )
    func versions(length: Int, version: Int, hash: UInt64) throws {
        let code = try #require(QRCode(Self.text(length)))
        #expect(code.size == 17 + 4 * version)
        #expect(Self.hash(Self.rows(code).joined(separator: "\n")) == hash)
    }

    @Test("a text that no version takes has no code, an empty one has")
    func limits() {
        #expect(QRCode(Self.text(272)) == nil)
        #expect(QRCode("")?.size == 21)
        for length in 0...271 where length % 7 == 0 { #expect(QRCode(String(repeating: "x", count: length)) != nil) }
    }

    @Test("it is drawn with two rows in a line and a border around it")
    func lines() throws {
        let code = try #require(QRCode("a"))
        let lines = code.lines
        #expect(lines.count == 13)
        #expect(lines.allSatisfy { $0.count == 25 })
        #expect(lines.first == String(repeating: "█", count: 25))
        // The upper edge of two finder patterns, below which is the ring of light modules.
        #expect(lines[1].hasPrefix("██ ▄▄▄▄▄ █"), "\(lines[1])")
    }
}
