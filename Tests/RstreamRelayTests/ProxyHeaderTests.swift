// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import Rstream
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Testing

@Suite("A service that wants to know its visitor", .serialized, .timeLimit(.hang))
struct ProxyHeaderTests {
    @Test("reads the visitor's address before the visitor's first byte")
    func first() async throws {
        try await TestServer.with(.manual) { server in
            try await RelayFixture.with(.port(server.port), options: UpstreamOptions(proxyProtocol: .v1)) { fixture in
                let visitor = try await fixture.visit()
                try await visitor.send("hello")
                try await visitor.finish()
                let service = try await server.connection()
                #expect(
                    try await service.receiveText()
                        == "PROXY TCP4 127.0.0.1 0.0.0.0 1 \(fixture.publishedPort)\r\nhello"
                )
                try await service.finish()
                // The header is nobody's bytes.
                #expect(try await fixture.waitForEnds().first?.metadata["received"] == "5")
                await visitor.close()
            }
        }
    }

    @Test("reads it although the visitor waits for the service to speak first")
    func serviceSpeaksFirst() async throws {
        try await TestServer.with(.manual) { server in
            try await RelayFixture.with(.port(server.port), options: UpstreamOptions(proxyProtocol: .v2)) { fixture in
                let visitor = try await fixture.visit()
                let service = try await server.connection()
                let header = try await service.receive(28)
                #expect(header.getBytes(at: 12, length: 8) == [0x21, 0x11, 0, 12, 127, 0, 0, 1])
                try await service.send("220 ready")
                #expect(try await visitor.receive(asLongAs: "220 ready") == "220 ready")
                await visitor.close()
                try await service.finish()
            }
        }
    }

    @Test("says that the visitor is unknown if the engine does not say")
    func unknown() async throws {
        var configuration = DevEngineConfiguration.patient
        configuration.faults = [Fault(.noSource)]
        try await TestServer.with(.manual) { server in
            let options = UpstreamOptions(proxyProtocol: .v1)
            try await RelayFixture.with(.port(server.port), options: options, engine: configuration) { fixture in
                let visitor = try await fixture.visit()
                try await visitor.finish()
                let service = try await server.connection()
                #expect(try await service.receiveText() == "PROXY UNKNOWN\r\n")
                try await service.finish()
                await visitor.close()
            }
        }
    }

    @Test("reads the visitor's address after the wait for the service, too")
    func afterHolding() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            let options = UpstreamOptions(holdTimeout: .seconds(600), proxyProtocol: .v1)
            try await RelayFixture.with(.unix(path: path), options: options) { fixture in
                let visitor = try await fixture.visit()
                try await visitor.send("hello")
                try await visitor.finish()
                try await fixture.heldStream()
                try await TestServer.with(.manual, at: .unix(path: path)) { server in
                    let service = try await server.connection()
                    #expect(
                        try await service.receiveText()
                            == "PROXY TCP4 127.0.0.1 0.0.0.0 1 \(fixture.publishedPort)\r\nhello"
                    )
                    try await service.finish()
                    try await visitor.waitForClose()
                }
            }
        }
    }
}

extension RelayFixture {
    fileprivate var publishedPort: UInt32 { tunnel.properties.port ?? 0 }
}
