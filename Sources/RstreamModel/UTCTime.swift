// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A point in time as people and machines read it: RFC 3339 in UTC, to the millisecond.
///
/// Pure arithmetic on the Gregorian calendar, for the years 1 to 9999; a time outside of them is moved to the nearest
/// one inside.
package struct UTCTime: Hashable, Sendable, Comparable {
    /// Since 1970-01-01T00:00:00Z.
    package let milliseconds: Int64

    private static let millisecondsPerDay: Int64 = 86_400_000
    private static let earliest: Int64 = -62_135_596_800_000
    private static let latest: Int64 = 253_402_300_799_999

    /// The time so many milliseconds after 1970-01-01T00:00:00Z.
    package init(milliseconds: Int64) {
        self.milliseconds = min(max(milliseconds, Self.earliest), Self.latest)
    }

    /// The time so many seconds after 1970-01-01T00:00:00Z.
    package init(seconds: Int64) {
        self.init(sinceEpoch: .seconds(seconds))
    }

    /// The time so long after 1970-01-01T00:00:00Z.
    package init(sinceEpoch duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        self.init(milliseconds: overflow ? (seconds < 0 ? .min : .max) : whole &+ attoseconds / 1_000_000_000_000_000)
    }

    /// The time so much later, or earlier.
    package func advanced(by duration: Duration) -> Self {
        UTCTime(sinceEpoch: .milliseconds(milliseconds) + duration)
    }

    /// From this time until another one.
    package func duration(to other: Self) -> Duration {
        .milliseconds(other.milliseconds) - .milliseconds(milliseconds)
    }

    package static func < (first: Self, second: Self) -> Bool { first.milliseconds < second.milliseconds }
}

extension UTCTime: CustomStringConvertible {
    /// `2026-01-31T23:59:59.999Z`
    package var description: String {
        let (text, milliseconds) = parts
        return "\(text).\(Self.padded(milliseconds, 3))Z"
    }

    /// `2026-01-31T23:59:59Z`, without the fraction.
    package var toTheSecond: String { "\(parts.text)Z" }

    /// Date and time to the second, and the milliseconds beyond it.
    private var parts: (text: String, milliseconds: Int64) {
        var (days, rest) = milliseconds.quotientAndRemainder(dividingBy: Self.millisecondsPerDay)
        if rest < 0 { (days, rest) = (days - 1, rest + Self.millisecondsPerDay) }
        let (year, month, day) = Self.date(days)
        let (seconds, fraction) = rest.quotientAndRemainder(dividingBy: 1_000)
        let text =
            "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))T"
            + "\(Self.padded(seconds / 3_600, 2)):\(Self.padded(seconds / 60 % 60, 2)):\(Self.padded(seconds % 60, 2))"
        return (text, fraction)
    }

    /// Reads the form of ``description``; the fraction may be absent or of another length.
    package init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z") else { return nil }
        for (place, separator) in zip([4, 7, 10, 13, 16], "--T::".utf8) where bytes[place] != separator { return nil }
        guard let year = Self.number(bytes[0..<4]), let month = Self.number(bytes[5..<7]),
            let day = Self.number(bytes[8..<10]), let hour = Self.number(bytes[11..<13]),
            let minute = Self.number(bytes[14..<16]), let second = Self.number(bytes[17..<19]),
            (1...12).contains(month), day > 0, day <= Self.days(in: month, of: year), hour < 24, minute < 60,
            second < 60, year > 0
        else { return nil }
        var fraction: Int64 = 0
        if bytes.count > 20 {
            let digits = bytes[20..<(bytes.count - 1)]
            guard bytes[19] == UInt8(ascii: "."), digits.count <= 9, let all = Self.number(digits) else { return nil }
            fraction = digits.count > 3 ? all / Self.power(digits.count - 3) : all * Self.power(3 - digits.count)
        }
        let seconds = ((Self.days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
        self.init(milliseconds: seconds * 1_000 + fraction)
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
        guard !digits.isEmpty, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return digits.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }

    private static func power(_ exponent: Int) -> Int64 { (0..<exponent).reduce(1) { result, _ in result * 10 } }

    // Eras of 400 years that begin in March, so that the leap day is the last of its year:
    // https://howardhinnant.github.io/date_algorithms.html

    private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        return (yearOfEra + era * 400 + (month >= 10 ? 1 : 0), month < 10 ? month + 3 : month - 9, day)
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        let next = month < 12 ? days(year, month + 1, 1) : days(year + 1, 1, 1)
        return next - days(year, month, 1)
    }

    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

extension UTCTime: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let time = UTCTime(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a time in UTC: \(text)")
        }
        self = time
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
