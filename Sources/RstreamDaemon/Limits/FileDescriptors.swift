internal import Glibc
internal import RstreamConfig

/// How many files and sockets this process may have open.
package enum FileDescriptors {
    /// Kept for everything that is not a stream: listeners, control channels, files, the runtime.
    static let reserved = 64
    /// A stream has a connection to the engine and one to its upstream.
    static let perStream = 2

    /// Raises the soft limit to the hard one, which needs no privilege, and returns what is in force.
    package static func raiseLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1_024 }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// Streams that fit into `limit` descriptors, at least one.
    package static func streams(within limit: Int) -> Int {
        max(1, (limit - reserved) / perStream)
    }

    /// Streams at once: as many as are configured, else as descriptors allow.
    static func streams(_ limits: LimitSettings) -> Int {
        limits.streams > 0 ? limits.streams : streams(within: raiseLimit())
    }
}
