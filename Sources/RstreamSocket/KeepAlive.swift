internal import Glibc
package import NIOCore

/// How soon a TCP connection notices that its peer is gone without a word: a probe after 15 s of silence, and one every
/// 15 s after it (RUN.md §6). The kernel's own figure is two hours.
package enum KeepAlive {
    package static let seconds: SocketOptionValue = 15

    package static var isOn: ChannelOptions.Types.SocketOption { .init(level: .socket, name: .so_keepalive) }
    /// Seconds of silence before the first probe.
    package static var idle: ChannelOptions.Types.SocketOption {
        .init(level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_KEEPIDLE))
    }
    /// Seconds between probes.
    package static var interval: ChannelOptions.Types.SocketOption {
        .init(level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_KEEPINTVL))
    }
}
