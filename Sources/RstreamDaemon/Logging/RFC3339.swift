internal import Glibc

/// Times as logs and the state of the daemon show them: RFC 3339 in UTC.
enum RFC3339 {
    /// A time with milliseconds.
    static func text(_ time: timespec) -> String {
        text(time.tv_sec, fraction: "." + padded(time.tv_nsec / 1_000_000, 3))
    }

    /// Whole seconds since 1970.
    static func text(_ seconds: Int64) -> String { text(Int(seconds), fraction: "") }

    private static func text(_ seconds: time_t, fraction: String) -> String {
        var (seconds, parts) = (seconds, tm())
        // A year that does not fit is far enough away to say nothing about it.
        guard gmtime_r(&seconds, &parts) != nil else { return "never" }
        return padded(Int(parts.tm_year) + 1_900, 4) + "-" + padded(parts.tm_mon + 1, 2) + "-"
            + padded(parts.tm_mday, 2)
            + "T" + padded(parts.tm_hour, 2) + ":" + padded(parts.tm_min, 2) + ":" + padded(parts.tm_sec, 2)
            + fraction + "Z"
    }

    private static func padded(_ value: some BinaryInteger, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
