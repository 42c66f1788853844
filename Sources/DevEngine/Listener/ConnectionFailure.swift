import Glibc
import NIOCore
import NIOHTTP1
import NIOSSL

/// Why a connection broke, in words for who runs the engine: libraries speak to their developers.
enum ConnectionFailure {
    static func words(_ error: any Error) -> String {
        switch error {
        case let error as IOError where [ECONNRESET, EPIPE].contains(error.errnoCode): "connection reset"
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case NIOSSLError.uncleanShutdown: "connection cut off without a goodbye"
        case HTTPParserError.invalidEOFState: "connection closed within the response"
        case is HTTPParserError: "what it says is no HTTP"
        case is NIOSSLError, is BoringSSLError: "TLS failed"
        default: "connection broken"
        }
    }
}
