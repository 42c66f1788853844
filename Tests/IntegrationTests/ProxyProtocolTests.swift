// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Glibc
import NIOCore
import Rstream
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Testing

extension Integration {
    /// HAProxy, who made the protocol, judges what its services are told about their visitors.
    @Suite(.timeLimit(.hang)) struct ProxyProtocolTests {
        private static let haproxy = "/usr/sbin/haproxy"

        /// Where the visitor comes from.
        enum Origin: CaseIterable {
            case ipv4, ipv6, unknown

            var engine: DevEngineConfiguration {
                .with { configuration in
                    switch self {
                    case .ipv4: break
                    case .ipv6: configuration.listenHost = "::1"
                    case .unknown: configuration.faults = [Fault(.noSource)]
                    }
                }
            }

            var address: String { self == .ipv6 ? "::1" : "127.0.0.1" }
        }

        /// A HAProxy that insists on the PROXY protocol at a socket, and answers every request with the source address
        /// that it takes the request to come from.
        private func withHAProxy(in folder: ProcessFolder, _ body: (UpstreamAddress) async throws -> Void) async throws
        {
            try #require(
                access(Self.haproxy, X_OK) == 0,
                "\(Self.haproxy) is not there; packaging/dependencies installs it"
            )
            let socket = "\(folder.path)/haproxy.sock"
            let configuration = try folder.write(
                """
                global
                    maxconn 100
                defaults
                    mode http
                    timeout client 90s
                    timeout connect 90s
                    timeout server 90s
                frontend visitors
                    bind unix@\(socket) accept-proxy
                    http-request return status 200 content-type text/plain lf-string "source=%[src]"

                """,
                to: "haproxy.cfg"
            )
            let process = try await ProcessHandle.start(Self.haproxy, ["-db", "-f", configuration])
            do {
                try await body(.unix(path: socket))
                #expect(process.isRunning, "\(process.errors.all)")
                await process.kill()
            } catch {
                print("HAProxy said:", process.errors.all.suffix(15).joined(separator: "\n"))
                await process.kill()
                throw error
            }
        }

        /// What a visitor of a tunnel to `upstream` is answered.
        private func answer(
            of upstream: UpstreamAddress,
            _ version: ProxyProtocolVersion,
            from origin: Origin
        )
            async throws -> String
        {
            try await TestEngine.with(origin.engine) { engine in
                let options = RstreamClientOptions(
                    engine: engine.address,
                    credential: .token(TestEngine.token),
                    transport: TransportOptions(tls: TransportOptions.TLS(caFile: engine.caFile))
                )
                let control = try await RstreamClient(options).connect()
                let log = LogCapture()
                let acceptor = RelayAcceptor(
                    RstreamRelay.Upstream(
                        address: upstream,
                        // HAProxy may still be starting.
                        options: UpstreamOptions(holdTimeout: testTimeout, proxyProtocol: version)
                    ),
                    table: StreamTable(capacity: 10),
                    logger: log.logger
                )
                let tunnel = try await control.openTunnel(TunnelSpec(protocol: .tcp).validated(), acceptor: acceptor)
                let port = Int(try #require(tunnel.properties.port))
                let visitor = try await TestConnection.connect(toPort: port, of: origin.address)
                try await visitor.send("GET / HTTP/1.1\r\nHost: tunnel\r\nConnection: close\r\n\r\n")
                let answer = try await visitor.receiveText()
                await visitor.close()
                try await log.wait(for: "stream closed")
                await control.close()
                return answer
            }
        }

        @Test("the source that HAProxy sees is the visitor", arguments: ProxyProtocolVersion.allCases, Origin.allCases)
        func source(version: ProxyProtocolVersion, origin: Origin) async throws {
            try await Pair.withFolder { folder in
                try await withHAProxy(in: folder) { upstream in
                    let answer = try await answer(of: upstream, version, from: origin)
                    #expect(answer.hasPrefix("HTTP/1.1 200"), "\(answer)")
                    switch origin {
                    case .ipv4, .ipv6: #expect(answer.hasSuffix("source=\(origin.address)"), "\(answer)")
                    // The source of a connection to a Unix socket has no address.
                    case .unknown: #expect(answer.hasSuffix("source="), "\(answer)")
                    }
                }
            }
        }
    }
}
