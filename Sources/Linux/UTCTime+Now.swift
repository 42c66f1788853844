internal import Glibc
package import RstreamModel

extension UTCTime {
    /// The time by this host's clock.
    package static var now: Self {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return UTCTime(sinceEpoch: .seconds(now.tv_sec) + .nanoseconds(now.tv_nsec))
    }
}
