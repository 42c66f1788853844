// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import NIOCore

/// How soon a TCP connection notices that its peer is gone without a word: a probe after 15 s of silence, and one every
/// 15 s after it (RUN.md §6). The kernel's own figure is two hours. How many probes may be lost is left to the kernel.
enum KeepAlive {
    private static let seconds: SocketOptionValue = 15

    /// What every connection gets that is dialed or accepted: whether it is probed, the seconds of silence before the
    /// first probe, and those between probes.
    static let options: [(option: ChannelOptions.Types.SocketOption, value: SocketOptionValue)] = [
        (.init(level: .socket, name: .so_keepalive), 1),
        (.init(level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_KEEPIDLE)), seconds),
        (.init(level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_KEEPINTVL)), seconds),
    ]
}
