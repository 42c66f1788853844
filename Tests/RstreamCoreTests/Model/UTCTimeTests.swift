// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import RstreamTestSupport
import Testing

@Suite("Times in UTC")
struct UTCTimeTests {
    @Test(
        "a time is written as RFC 3339 to the millisecond",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
            (1_764_039_458_042, "2025-11-25T02:57:38.042Z"),
            (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] as [(Int64, String)]
    )
    func written(milliseconds: Int64, text: String) {
        #expect(UTCTime(milliseconds: milliseconds).description == text)
        #expect(UTCTime(text) == UTCTime(milliseconds: milliseconds))
    }

    @Test("what is written is read as the same time")
    func roundTrip() {
        var generator = SplitMix(seed: 41)
        for _ in 0..<20_000 {
            let time = UTCTime(milliseconds: .random(in: -62_135_596_800_000...253_402_300_799_999, using: &generator))
            #expect(UTCTime(time.description) == time)
        }
    }

    @Test("every day of 400 years follows the one before")
    func calendar() throws {
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        var expected = try #require(UTCTime("1900-01-01T00:00:00Z"))
        for year in 1900..<2300 {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            for (month, length) in lengths.enumerated() {
                for day in 1...(month == 1 && isLeap ? 29 : length) {
                    let date = [month + 1, day].map { ($0 < 10 ? "-0" : "-") + String($0) }.joined()
                    #expect(expected.description == "\(year)\(date)T00:00:00.000Z")
                    expected = expected.advanced(by: .seconds(86_400))
                }
            }
        }
    }

    @Test("a fraction may be absent, short or long")
    func fractions() {
        #expect(UTCTime("1970-01-01T00:00:01Z") == UTCTime(milliseconds: 1_000))
        #expect(UTCTime("1970-01-01T00:00:01.5Z") == UTCTime(milliseconds: 1_500))
        #expect(UTCTime("1970-01-01T00:00:01.123456789Z") == UTCTime(milliseconds: 1_123))
    }

    @Test(
        "what is no time in UTC is not read",
        arguments: [
            "", "Z", "1970-01-01", "1970-01-01T00:00:00", "1970-01-01T00:00:00+00:00", "1970-13-01T00:00:00Z",
            "1970-00-01T00:00:00Z", "1970-01-00T00:00:00Z", "1970-01-32T00:00:00Z", "1970-01-01T24:00:00Z",
            "1970-01-01T00:60:00Z", "1970-01-01T00:00:60Z", "0000-01-01T00:00:00Z", "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00.1234567890Z", "1970-01-01T00:00:00,5Z", "1970-01-01 00:00:00Z", "+970-01-01T00:00:00Z",
            "1970-01-01T00:00:0xZ", "١٩٧٠-01-01T00:00:00Z", "1970-02-30T00:00:00Z", "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z", "1970-04-31T00:00:00Z",
        ]
    )
    func refused(text: String) {
        #expect(UTCTime(text) == nil)
    }

    @Test("what lies outside the years 1 to 9999 is taken to the nearest of them")
    func outside() {
        let (first, last) = (UTCTime(milliseconds: .min), UTCTime(milliseconds: .max))
        #expect(first.description == "0001-01-01T00:00:00.000Z")
        #expect(last.description == "9999-12-31T23:59:59.999Z")
        #expect(UTCTime(sinceEpoch: .seconds(Int64.max)) == last)
        #expect(UTCTime(sinceEpoch: .seconds(Int64.min)) == first)
        #expect(last.advanced(by: .seconds(1)) == last)
        #expect(first.advanced(by: .seconds(-1)) == first)
    }

    @Test("durations between times are what was added")
    func durations() {
        let time = UTCTime(milliseconds: 1_764_039_458_042)
        #expect(time.duration(to: time.advanced(by: .milliseconds(1_234))) == .milliseconds(1_234))
        #expect(time.advanced(by: .seconds(-60)) < time)
    }
}
