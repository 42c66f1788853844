// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import NIOCore
import RstreamTestSupport
import Testing

extension Integration {
    /// The official Python SDK has the last word on what the protocol is.
    @Suite struct SDKTests {
        @Test("the SDK dials a private tunnel by id and by name, with and without zero_rtt, and gets its bytes back")
        func dials() async throws {
            try await Upstream.serving {
                [EchoUpstream()]
            } during: { upstream in
                let tunnels = "  - { name: private, forward: \"\(upstream.forward)\", tunnel: { publish: false } }"
                try await Pair.with(tunnels: tunnels) { pair in
                    let judge = Judge(engine: pair.engine)
                    let id = try await pair.engine.tunnel("private").id
                    for target in ["private", id] {
                        for zeroRTT in ["true", "false"] { try await judge.run("dial.py", target, zeroRTT) }
                    }
                    try await judge.run("refused.py", "no-such-tunnel", "3000")
                    for (fault, words) in [
                        ("stream-error=7000", "7000"), ("stream-wrong-message", "protocol"),
                        ("stream-empty", "protocol"),
                    ] {
                        try await pair.engine.setFaults([fault])
                        try await judge.run("refused.py", "private", words)
                    }
                    try await pair.engine.setFaults([])
                    try await judge.run("dial.py", "private", "false")
                    #expect(pair.daemon.complaints().isEmpty)
                }
            }
        }

        @Test("the engine passes the SDK's own list for a real one", arguments: ["token", "certificate"])
        func ownList(with credential: String) async throws {
            try await Pair.withFolder { folder in
                let certificate = try folder.write(ClientCertificate.certificate, to: "certificate.pem")
                let key = try folder.write(ClientCertificate.key, to: "key.pem")
                try await Pair.withEngine(in: folder, ["--registered-certificate", certificate]) { engine in
                    var environment = [
                        "RSTREAM_ENGINE": "localhost:\(engine.port)", "RSTREAM_E2E_CA_FILE": engine.caFile,
                        "PATH": "/usr/bin:/bin", "HOME": "/nonexistent",
                    ]
                    if credential == "token" {
                        environment["RSTREAM_AUTHENTICATION_TOKEN"] = ProcessEngine.token
                    } else {
                        environment["RSTREAM_MTLS_CERT_FILE"] = certificate
                        environment["RSTREAM_MTLS_KEY_FILE"] = key
                    }
                    let root = Binaries.packageRoot
                    let list = try await ProcessHandle.run(
                        "/bin/bash",
                        ["\(root)/Tests/IntegrationTests/EngineChecks/Official/run", "\(root)/.venv"],
                        environment: environment,
                        within: .seconds(300)
                    )
                    #expect(list.exit == .status(0), "\(list.output.joined(separator: "\n")) \(list.errors)")
                    #expect(list.output.last?.hasPrefix("6 passed") == true, "\(list.output)")
                }
            }
        }

        @Test("the SDK is an agent of the development engine, and visitors reach it")
        func isAgent() async throws {
            struct Addresses: Decodable {
                let hostname: String
                let `private`: String
            }
            try await Pair.withFolder { folder in
                try await Pair.withEngine(in: folder) { engine in
                    let judge = Judge(engine: engine)
                    try await judge.during("agent.py") { line, agent in
                        let addresses = try JSONDecoder().decode(Addresses.self, from: Data(line.utf8))
                        let content = Content(seed: 40, count: 300_000)
                        let body = folder.path + "/body"
                        try content.write(to: body)
                        let answer = try await Curl(engine: engine)
                            .run(addresses.hostname, ["--data-binary", "@\(body)"])
                        let digits = content.digest.bytes.map { byte in
                            let text = String(byte, radix: 16)
                            return byte < 16 ? "0\(text)" : text
                        }
                        #expect(answer == digits.joined())
                        for target in ["judge-private", addresses.private] {
                            try await judge.run("dial.py", target, "false")
                        }
                        // Its heartbeats are acknowledged in a way that it accepts.
                        try await engine.wait { $0.heartbeatsTotal >= 3 }
                        #expect(agent.isRunning)
                    }
                }
            }
        }

        @Test("the SDK's engine API lists the daemon and its tunnels, and its watch sees one being created")
        func inventory() async throws {
            try await Upstream.exchanging { upstream in
                let tunnels = """
                    \(Pair.raw(upstream))
                      - name: web
                        forward: "\(upstream.forward)"
                        tunnel: { publish: true, protocol: http, host: shop.t.localhost, labels: { env: test } }
                      - { name: private, forward: "\(upstream.forward)", tunnel: { publish: false } }
                    """
                try await Pair.with(tunnels: tunnels) { pair in
                    for name in ["raw", "web", "private"] { _ = try await pair.engine.tunnel(name) }
                    let wanted = """
                        {"raw": {"protocol": "tcp", "publish": true, "port": \(try await pair.rawPort())},
                         "web": {"protocol": "http", "hostname": "shop.t.localhost"},
                         "private": {"publish": false}}
                        """
                    let judge = Judge(engine: pair.engine)
                    try await judge.during("inventory.py", [wanted, "web"]) { line, process in
                        #expect(line == "watching")
                        try await pair.engine.closeTunnels()
                        let exit = try await process.end()
                        #expect(exit == .status(0), "\(process.errors.all)")
                        #expect(process.output.all.last == "ok")
                    }
                }
            }
        }
    }
}

/// Sends back one mebibyte and closes; what comes behind it is not wanted.
private final class EchoUpstream: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var left = 1_024 * 1_024

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        guard left > 0, let part = bytes.readSlice(length: min(left, bytes.readableBytes)) else { return }
        left -= part.readableBytes
        let isLast = left == 0
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(part)).whenComplete { _ in
            if isLast { channel.close(mode: .output, promise: nil) }
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
