internal import RstreamModel

/// The time as HTTP writes it (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    static func text(_ time: UTCTime) -> String {
        // 2026-01-31T23:59:59.999Z
        let text = time.description.utf8
        func part(_ start: Int, _ length: Int) -> String {
            String(decoding: text.dropFirst(start).prefix(length), as: UTF8.self)
        }
        let milliseconds: Int64 = 86_400_000
        let (whole, rest) = time.milliseconds.quotientAndRemainder(dividingBy: milliseconds)
        // The first of January 1970 was a Thursday.
        let day = (rest < 0 ? whole - 1 : whole) % 7
        let weekday = days[Int(day < 0 ? day + 7 : day)]
        let month = months[((Int(part(5, 2)) ?? 1) - 1) % 12]
        return "\(weekday), \(part(8, 2)) \(month) \(part(0, 4)) \(part(11, 8)) GMT"
    }
}
