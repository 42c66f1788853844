// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import GuardedJSON
package import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import RstreamModel

/// Calls Docker's API, or Podman's, with a connection for each call. Nothing but two calls with GET is ever sent.
///
/// The paths have no version: the newest one of the engine answers then, and what is read here is the same in all of
/// them.
package struct DockerAPI: Sendable {
    /// How long a listing may take. Podman may have to be started first.
    private static let usualLimit = Duration.seconds(30)
    private static let connectLimit = TimeAmount.seconds(10)
    /// Bytes of what the API says about an error.
    private static let longestMessage = 4 * 1_024

    /// Where it is.
    package let host: DockerHost
    private let limit: Duration
    private let group: any EventLoopGroup

    /// The API at `host`, which answers within `limit`.
    package init(
        _ host: DockerHost,
        limit: Duration = Self.usualLimit,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) {
        self.host = host
        self.limit = limit
        self.group = group
    }

    /// The containers that run.
    package func listing() async throws(DockerFailure) -> ContainerListing {
        let (limit, api) = (limit, self)
        do {
            return try await withThrowingTaskGroup(of: ContainerListing.self) { group in
                group.addTask { try await api.readListing() }
                group.addTask {
                    try await Task.sleep(for: limit)
                    throw DockerFailure.silent(after: limit)
                }
                defer { group.cancelAll() }
                guard let listing = try await group.next() else { throw DockerFailure.cutShort }
                return listing
            }
        } catch {
            throw DockerFailure(error)
        }
    }

    private func readListing() async throws -> ContainerListing {
        try await withAnswer(to: "/containers/json") { parts in
            var reader = ContainerListReader()
            while let part = try await parts.next(isolation: #isolation) {
                switch part {
                case .head: break
                case .body(let buffer): try reader.read(Array(buffer.readableBytesView))
                case .end: return try reader.end()
                }
            }
            throw DockerFailure.cutShort
        }
    }

    /// With `{"type":["container","network"]}`: a container in another network has another address.
    private static let events = "/events?filters=%7B%22type%22%3A%5B%22container%22%2C%22network%22%5D%7D"

    /// What happens on the stream of events.
    package enum Occasion: Hashable, Sendable {
        /// The request is sent.
        case asked
        /// The answer has begun: whatever happens from now on is told.
        case opened
        /// Something has happened to a container.
        case changed
    }

    /// Tells what happens until the connection ends, which throws, or the task is cancelled.
    package func follow(_ tell: @escaping @Sendable (Occasion) -> Void) async throws(DockerFailure) {
        do {
            try await withAnswer(to: Self.events) {
                tell(.asked)
            } read: { parts in
                tell(.opened)
                var lines = EventLines()
                while let part = try await parts.next(isolation: #isolation) {
                    switch part {
                    case .head, .end: throw DockerFailure.cutShort
                    case .body(let buffer):
                        if lines.read(buffer).contains(where: Self.isChange) { tell(.changed) }
                    }
                }
                throw DockerFailure.cutShort
            }
        } catch {
            throw DockerFailure(error)
        }
    }

    private static func isChange(_ item: EventLines.Item) -> Bool {
        switch item {
        case .line(let json): ContainerEvent.concernsListing(json)
        case .tooLong: true
        }
    }

    // MARK: One connection

    private typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>
    private typealias Parts = NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator

    /// Sends a request and lets `read` have what follows the head of an answer with 200.
    private func withAnswer<Value: Sendable>(
        to path: String,
        asked: () -> Void = {},
        read: (inout Parts) async throws -> Value
    ) async throws -> Value {
        try Task.checkCancellation()
        let connection = try await connect()
        var value: Value?
        do {
            try await connection.executeThenClose { inbound, outbound in
                let headers = HTTPHeaders([("Host", "docker"), ("Accept", "application/json"), ("Connection", "close")])
                let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: headers)
                try await outbound.write(contentsOf: [.head(head), .end(nil)])
                asked()
                var parts = inbound.makeAsyncIterator()
                try await Self.passHead(&parts)
                value = try await read(&parts)
            }
        } catch {
            // Where the other end closes right after its answer, closing this one may fail; the answer is whole.
            guard let value else { throw error }
            return value
        }
        guard let value else { throw DockerFailure.cutShort }
        return value
    }

    private static func passHead(_ parts: inout Parts) async throws {
        var (status, body): (UInt?, [UInt8]) = (nil, [])
        while let part = try await parts.next(isolation: #isolation) {
            switch part {
            // Interim answers come before the one that counts.
            case .head(let head) where head.status.code < 200: break
            case .head(let head) where head.status.code == 200: return
            case .head(let head): status = head.status.code
            case .body(let buffer):
                guard buffer.readableBytes <= longestMessage - body.count else {
                    throw DockerFailure.badAnswer("longer than \(longestMessage) bytes")
                }
                body += buffer.readableBytesView
            case .end: if let status { throw Self.refusal(status, body) }
            }
        }
        throw DockerFailure.cutShort
    }

    private struct Message: Decodable {
        let message: String
    }

    private static func refusal(_ status: UInt, _ body: [UInt8]) -> DockerFailure {
        let message = try? GuardedJSON.decode(Message.self, from: body, limit: longestMessage).message
        return .refused(status: status, (message ?? "").cut(toBytes: 200).printable)
    }

    private func connect() async throws -> Connection {
        let bootstrap = ClientBootstrap(group: group).connectTimeout(Self.connectLimit)
        switch host {
        case .unix(let path): return try await bootstrap.connect(unixDomainSocketPath: path, channelInitializer: wrap)
        case .tcp(let host, let port):
            // So that the stream of events ends when the other host is gone.
            return try await bootstrap.channelOption(.socketOption(.so_keepalive), value: 1)
                .connect(host: host, port: port, channelInitializer: wrap)
        }
    }

    private func wrap(_ channel: any Channel) -> EventLoopFuture<Connection> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHTTPClientHandlers()
            return try Connection(wrappingChannelSynchronously: channel)
        }
    }
}
