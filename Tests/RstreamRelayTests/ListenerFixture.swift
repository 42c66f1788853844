// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import NIOPosix
import Rstream
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamTestSupport

/// A listener and everything behind it: a client, and a table for its streams.
struct ListenerFixture {
    let listener: DialListener
    let client: RstreamClient
    let table: StreamTable
    let log: LogCapture

    /// Listens until `body` returns; by then every stream must be over.
    static func with(
        _ address: ListenAddress = .tcp(host: "127.0.0.1", port: 0),
        dial target: String = "relayed",
        client: RstreamClient,
        options: ListenerOptions = ListenerOptions(),
        _ body: (ListenerFixture) async throws -> Void
    ) async throws {
        let (table, log) = (StreamTable(capacity: 100), LogCapture())
        let listener = DialListener(
            address,
            dial: target,
            client: client,
            options: options,
            table: table,
            logger: log.logger
        )
        try await listener.start(on: MultiThreadedEventLoopGroup.singleton)
        do {
            try await body(ListenerFixture(listener: listener, client: client, table: table, log: log))
            await listener.stop()
            try await within("the last stream's end") { await table.drain() }
        } catch {
            await listener.stop()
            table.cut()
            throw error
        }
    }

    /// A client whose engine is not there, or does not answer.
    static func client(ofEngineAt port: Int) throws -> RstreamClient {
        RstreamClient(
            RstreamClientOptions(
                engine: try EngineAddress("127.0.0.1:\(port)"),
                credential: .token(TestEngine.token),
                timeouts: .patient
            )
        )
    }

    /// Zero unless it listens at one.
    var port: Int { listener.localAddresses.first?.port ?? 0 }

    /// A local program's connection.
    func connect(reads: Bool = true) async throws -> TestConnection {
        switch listener.address {
        case .tcp: try await .connect(toPort: port, reads: reads)
        case .unix(let path): try await .connect(to: SocketAddress(unixDomainSocketPath: path), reads: reads)
        }
    }

    /// A local program connects and is reset, perhaps before it has looked at its new connection.
    func connectInVain() async throws {
        do {
            try await connect().waitForReset()
        } catch let error as IOError where error.errnoCode == ECONNRESET {
            return
        }
    }
}
