// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Logging
import NIOCore
import Rstream
import RstreamTestSupport

extension RstreamClientOptions.Timeouts {
    /// For others that are there, however slow they are.
    static let patient = Self(connect: testTimeout, answer: testTimeout, streamDial: testTimeout, close: testTimeout)
}

extension TestEngine {
    /// A client that may talk to this engine.
    func client(
        logger: Logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
        _ change: (inout RstreamClientOptions) -> Void = { _ in }
    ) -> RstreamClient {
        var options = RstreamClientOptions(
            engine: address,
            credential: .token(Self.token),
            transport: TransportOptions(tls: TransportOptions.TLS(caFile: caFile))
        )
        options.timeouts = .patient
        change(&options)
        return RstreamClient(options, logger: logger)
    }
}

/// A private tunnel called `name`.
func unpublished(_ name: String = "private") -> TunnelSpec {
    TunnelSpec(name: name, publish: false)
}

extension RstreamAcceptedStream {
    /// Starts the stream as one end that a test writes to and reads from.
    func take(echo: Bool = false) async throws -> TestConnection {
        try await start { try TestConnection.take($0, echo: echo) }
    }
}

extension RstreamDialedStream {
    func take() async throws -> TestConnection {
        try await start { try TestConnection.take($0) }
    }
}

extension RstreamTunnel {
    /// The next stream, which must come.
    func next() async throws -> RstreamAcceptedStream {
        let streams = streams
        let stream = try await within("the next stream") {
            var iterator = streams.makeAsyncIterator()
            return await iterator.next()
        }
        guard let stream else { throw DeadlinePassed(what: "the next stream", state: "the tunnel ended") }
        return stream
    }
}

/// What `body` throws, which must be an ``RstreamError``.
func failure(of body: () async throws -> Void) async throws -> RstreamError {
    do {
        try await body()
    } catch let error as RstreamError {
        LibraryText.examine("\(error)", saidBy: "an error of the library")
        return error
    }
    throw DeadlinePassed(what: "an error", state: "none was thrown")
}
