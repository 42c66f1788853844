// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore

extension DevEngineConfiguration {
    /// How long the engine waits for its peers.
    package struct Timeouts: Sendable {
        /// From accepting a socket to the end of its TLS handshake.
        package var handshake = TimeAmount.seconds(10)
        /// From the end of the handshake to a connection's first frame.
        package var firstFrame = TimeAmount.seconds(5)
        /// From the request for an agent's connection to the agent's connection.
        package var inboundStream = TimeAmount.seconds(30)
        /// From the end of the handshake to the end of a visitor's request head.
        package var requestHead = TimeAmount.seconds(30)
        /// From the end of one response to the end of the next request's head; with HTTP/2, without any stream.
        package var nextRequest = TimeAmount.seconds(120)
        /// From the engine's own end of a connection to its peer's; then the connection is reset.
        package var goodbye = TimeAmount.seconds(2)

        package init() {}

        /// The same timeout for each, but for ``goodbye``: peers that never end are no error.
        package init(_ time: TimeAmount) {
            (handshake, firstFrame, inboundStream, requestHead, nextRequest) = (time, time, time, time, time)
        }
    }

    /// How many there may be of what costs a descriptor. The defaults keep a laptop safe; a benchmark needs more.
    package struct Capacity: Sendable {
        /// Concurrent sockets of every kind.
        package var connections = 8_192
        /// Tunnels of one agent.
        package var tunnelsPerClient = 1_024

        package init() {}
    }
}

/// Every other limit of the engine: anything that a peer can make grow has one.
enum EngineLimits {
    /// Longest TLS ClientHello, all records together.
    static let clientHello = 32 * 1024
    /// Longest head of an HTTP request.
    static let requestHeadBytes = 64 * 1024
    /// Longest body of a request to the engine's own API.
    static let requestBodyBytes = 64 * 1024
    /// What is read from a visitor before its agent has connected.
    static let earlyBytes = 64 * 1024
    /// What may wait to be written to an agent or a watcher before it is disconnected.
    static let writeBacklog = 4 * 1024 * 1024

    /// Concurrent requests on one HTTP/2 connection.
    static let requestsAtOnce = 100
    /// Concurrent agents.
    static let clients = 1_024
    /// Visitors that wait for their agent, all tunnels together.
    static let waitingStreams = 4_096
    /// Watchers of the event stream.
    static let watchers = 256
    /// Agent messages that the statistics remember.
    static let messageLog = 100
}
