// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore

/// Sets the options of a socket that becomes one half of a stream, in the initializer of its channel.
///
/// As options of a bootstrap they would do the same, for a dozen allocations each: NIO boxes every one and applies them
/// through futures.
package enum StreamSocket {
    private static let noDelay = ChannelOptions.Types.SocketOption(level: .tcp, name: .tcp_nodelay)

    /// The channel reads only when asked to, as much as ``StreamReadSize`` says, and stays when its peer has closed one
    /// direction.
    package static func prepare(_ channel: any Channel) throws {
        guard let options = channel.syncOptions else { return }
        try options.setOption(.autoRead, value: false)
        try options.setOption(.allowRemoteHalfClosure, value: true)
        try options.setOption(.recvAllocator, value: StreamReadSize())
        try options.setOption(.maxMessagesPerRead, value: 1)
    }

    /// TCP sends short writes at once, and notices that the peer is gone. Sockets of multipath TCP do not take every option
    /// in older kernels, and are used all the same.
    package static func prepareTCP(_ channel: any Channel) throws {
        try prepare(channel)
        guard let options = channel.syncOptions else { return }
        try? options.setOption(noDelay, value: 1)
        for (option, value) in KeepAlive.options { try? options.setOption(option, value: value) }
    }
}
