internal import Glibc
internal import Linux
internal import NIOCore

/// Why something cannot be watched, in words for who runs the daemon.
enum WatchFailure {
    static func words(_ error: any Error) -> String {
        switch error {
        case let error as SystemError: "\(error)"
        case let error as IOError: String(cString: strerror(error.errnoCode))
        default: "it cannot be watched"
        }
    }
}
