package import NIOCore

extension DevEngineConfiguration {
    /// How long peers may take.
    package struct Patience: Sendable {
        /// From accepting a socket to the end of its TLS handshake.
        package var handshake = TimeAmount.seconds(10)
        /// From the end of the handshake to a connection's first frame.
        package var firstFrame = TimeAmount.seconds(5)
        /// From asking an agent for a connection to giving up on it.
        package var inboundStream = TimeAmount.seconds(30)
        /// From the end of the handshake to the end of a visitor's request head.
        package var requestHead = TimeAmount.seconds(30)
        /// From the end of one response to the end of the next request's head; with HTTP/2, without any stream.
        package var nextRequest = TimeAmount.seconds(120)

        package init() {}

        /// As long for each.
        package init(_ time: TimeAmount) {
            (handshake, firstFrame, inboundStream, requestHead, nextRequest) = (time, time, time, time, time)
        }
    }
}

/// Every other bound of the engine in one place: what a peer can grow has a line here.
enum EngineLimits {
    /// Longest TLS ClientHello, all records together.
    static let clientHello = 32 * 1024
    /// Longest head of an HTTP request.
    static let requestHeadBytes = 64 * 1024
    /// Longest body of a request to the engine's own API.
    static let requestBodyBytes = 64 * 1024
    /// What is taken from a visitor before its agent has arrived.
    static let earlyBytes = 64 * 1024
    /// What may wait to be written to an agent or a watcher before it counts as stuck.
    static let writeBacklog = 4 * 1024 * 1024

    /// Requests at one time on one connection of HTTP/2.
    static let requestsAtOnce = 100
    /// Sockets at one time, of every kind.
    static let connections = 8_192
    /// Agents at one time.
    static let clients = 1_024
    /// Tunnels of one agent.
    static let tunnelsPerClient = 1_024
    /// Visitors that wait for their agent, all tunnels together.
    static let waitingStreams = 4_096
    /// Watchers of the event stream.
    static let watchers = 256
    /// Agent messages that the statistics remember.
    static let messageLog = 100
}
