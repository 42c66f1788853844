internal import Glibc

/// How many files and sockets a process may have open, and for how many streams that is enough.
package enum FileDescriptors {
    /// Kept for everything that is not a stream: listeners, control channels, files, the runtime.
    private static let reserved = 64
    /// A stream has a connection to the engine and one to its upstream.
    private static let perStream = 2

    /// Raises the soft limit to the hard one, which needs no privilege, and returns what is in force.
    package static func raiseLimit() -> Int {
        guard var limit else { return 1_024 }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// The hard limit, if the kernel tells.
    package static var hardLimit: Int? { limit.map { Int(clamping: $0.rlim_max) } }

    /// Descriptors that so many streams need.
    package static func needed(for streams: Int) -> Int { streams * perStream + reserved }

    /// Streams that fit into `limit` descriptors.
    package static func streams(within limit: Int) -> Int { max(0, (limit - reserved) / perStream) }

    private static var limit: rlimit? {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 ? limit : nil
    }
}
