internal import Glibc
internal import NIOCore

/// Connections to Linux's abstract Unix sockets, whose names are lengths of bytes and not paths: NIO's own addresses
/// cannot express them.
enum AbstractSocket {
    /// The kernel's reason.
    struct Failure: Error {
        let code: CInt
    }

    /// A connected, non-blocking socket. Connecting to a Unix socket never waits: it succeeds, fails, or finds the
    /// listener's queue full, which fails too.
    static func connect(to name: String) throws(Failure) -> NIOBSDSocket.Handle {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(code: errno) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = [0] + Array(name.utf8)
        let offset = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path)
        guard bytes.count <= MemoryLayout.size(ofValue: address.sun_path) else {
            close(descriptor)
            throw Failure(code: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(offset + bytes.count))
            }
        }
        guard result == 0 else {
            let failure = Failure(code: errno)
            close(descriptor)
            throw failure
        }
        return descriptor
    }
}
