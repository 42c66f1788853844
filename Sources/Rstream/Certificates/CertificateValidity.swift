// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// A certificate's validity period: its first and its last second, in seconds since 1970.
struct CertificateValidity: Hashable, Sendable {
    let begin: Int64
    let end: Int64

    private static let utcTime: UInt8 = 0x17
    private static let generalizedTime: UInt8 = 0x18

    init(begin: Int64, end: Int64) {
        self.begin = begin
        self.end = end
    }

    init?(_ reader: DERReader) {
        var reader = reader
        guard let begin = (try? reader.read()).flatMap(Self.seconds),
            let end = (try? reader.read()).flatMap(Self.seconds)
        else { return nil }
        self.init(begin: begin, end: end)
    }

    /// UTCTime, `260131235959Z`, for the years 1950 to 2049, or GeneralizedTime, `20260131235959Z` (RFC 5280 §4.1.2.5).
    private static func seconds(_ element: DERReader.Element) -> Int64? {
        var digits = Array(element.contents)
        switch (element.tag, digits.count) {
        case (utcTime, 13): digits = Array((digits[0] >= UInt8(ascii: "5") ? "19" : "20").utf8) + digits
        case (generalizedTime, 15): break
        default: return nil
        }
        func text(_ places: Range<Int>) -> String { String(decoding: digits[places], as: UTF8.self) }
        let date = "\(text(0..<4))-\(text(4..<6))-\(text(6..<8))"
        let time = "\(text(8..<10)):\(text(10..<12)):\(text(12..<14))"
        guard digits[14] == UInt8(ascii: "Z") else { return nil }
        return UTCTime("\(date)T\(time)Z").map { $0.milliseconds / 1_000 }
    }
}
