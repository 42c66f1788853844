internal import Glibc
internal import RstreamModel

extension UTCTime {
    /// The time that it is.
    static func now() -> Self {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return UTCTime(sinceEpoch: .seconds(now.tv_sec) + .nanoseconds(now.tv_nsec))
    }
}
