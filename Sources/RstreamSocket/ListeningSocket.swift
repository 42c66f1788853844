internal import Glibc
package import NIOCore

/// How a socket stops to listen.
package enum ListeningSocket {
    /// Listens no more: whoever connects from now on is refused, and the address is free when this returns.
    ///
    /// Closing the descriptor is not enough for that. The socket lives as long as anybody has a copy of the descriptor,
    /// as a process has that this one is just starting; shutting it down ends the listening itself. Not for a socket
    /// that is shared on purpose.
    package static func close(_ channel: any Channel) async {
        let closed = channel.eventLoop.flatSubmit { closeNow(channel) }
        // Fails only when it is closed already.
        try? await closed.get()
    }

    /// The same, on the channel's event loop.
    @discardableResult
    package static func closeNow(_ channel: any Channel) -> EventLoopFuture<Void> {
        try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable { (descriptor: NIOBSDSocket.Handle) in
            _ = shutdown(descriptor, CInt(SHUT_RDWR))
        }
        // In the same breath: NIO does not expect a listening socket to end by itself.
        return channel.close()
    }
}
