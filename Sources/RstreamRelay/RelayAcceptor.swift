package import Logging
package import NIOCore
package import Rstream
package import RstreamModel

/// Takes a tunnel's streams and relays each to the tunnel's upstream.
package final class RelayAcceptor: StreamAcceptor {
    private let upstream: Upstream
    private let table: StreamTable
    private let health: UpstreamHealth
    private let logger: Logger

    /// An acceptor whose streams are counted in `table`.
    package init(_ upstream: Upstream, table: StreamTable, logger: Logger) {
        self.upstream = upstream
        self.table = table
        self.logger = logger
        health = UpstreamHealth(logger: logger)
    }

    package func prepare(_ offer: StreamOffer, on eventLoop: any EventLoop) -> any PreparedStream {
        let relay = Relay(offer, table: table, health: health, logger: logger, on: eventLoop)
        relay.start(upstream)
        return relay
    }

    /// Streams that were accepted run to their own end (PROTOCOL.md §13).
    package func tunnelEnded(_: RstreamError?) {}
}
