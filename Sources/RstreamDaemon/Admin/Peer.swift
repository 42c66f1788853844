internal import Glibc
internal import NIOCore

/// Who is at the other end of a connection, as the kernel says (`SO_PEERCRED`).
struct Peer: Hashable, Sendable {
    var process: Int32
    var user: UInt32
    var group: UInt32

    /// Nil for a connection that is no Unix socket.
    static func ofUnixSocket(_ channel: any Channel) async -> Peer? {
        guard let provider = channel as? any SocketOptionProvider else { return nil }
        // `struct ucred`, which Swift's view of glibc leaves out, has these three fields in this order.
        let credentials: EventLoopFuture<Peer> = provider.unsafeGetSocketOption(
            level: NIOBSDSocket.OptionLevel(rawValue: SOL_SOCKET),
            name: NIOBSDSocket.Option(rawValue: SO_PEERCRED)
        )
        return try? await credentials.get()
    }

    /// Whether it gets in whatever others do: root, and the daemon's own user.
    var isTrusted: Bool { self != .unknown && (user == 0 || user == geteuid()) }

    /// What stands for a client of a TCP port.
    static let unknown = Peer(process: 0, user: .max, group: .max)
}
