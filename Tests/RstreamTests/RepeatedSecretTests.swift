// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import FoundationEssentials
import NIOPosix
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

/// Another side repeats what it was told in its answer, in all forms that are known, cut and whole.
@Suite("A secret that is repeated", .serialized, .timeLimit(.hang))
struct RepeatedSecretTests {
    /// Forms of a secret, as another side might show them.
    private static func forms(of secret: String) -> [String] {
        let encoded = Data(secret.utf8).base64EncodedString()
        let inside = Data("user:\(secret)".utf8).base64EncodedString()
        let url = inside.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        let percent = secret.utf8.map { "%" + String($0, radix: 16) }.joined()
        return [secret, encoded, inside, url, percent, String(secret.prefix(9)), String(inside.prefix(17)) + "…"]
    }

    /// Whether a text tells a form of the secret, or half of one.
    private static func tells(_ text: String, _ form: String) -> Bool {
        text.contains(form.prefix(max(8, form.utf8.count / 2)))
    }

    private static let token = "a1b2c3d4-token-of-the-engine"

    @Test("by the engine is in no error of the control channel, of a tunnel, or of a dial", arguments: forms(of: token))
    func engine(form: String) async throws {
        let fault = { @Sendable (name: FaultName) in
            Fault(name, value: .error(EngineError(code: .internalError, message: "not for \(form)")))
        }
        for name in [FaultName.openError, .tunnelError, .streamError] {
            let error = try await Self.error(of: fault(name), token: Self.token)
            #expect(error.what.contains("not for "), "\(name): \(error.what)")
            #expect(error.what.contains("***"), "\(name): \(error.what)")
            #expect(!Self.tells(error.what, form), "\(name): \(error.what)")
        }
    }

    /// What a client with this token is told by an engine with this fault.
    private static func error(of fault: Fault, token: String) async throws -> RstreamError {
        try await TemporaryFolder.with { folder in
            var configuration = DevEngineConfiguration.patient
            configuration.stateDirectory = folder.path(of: "engine")
            configuration.authentication = .token(Secret(token))
            configuration.faults = [fault]
            let engine = try await DevEngine.start(configuration)
            let client = RstreamClient(
                RstreamClientOptions(
                    engine: engine.address,
                    credential: .token(Secret(token)),
                    transport: TransportOptions(tls: TransportOptions.TLS(caFile: engine.caPath)),
                    timeouts: .patient
                )
            )
            do {
                let error = try await failure {
                    if fault.name == .streamError {
                        _ = try await client.dial("private", zeroRTT: false)
                    } else {
                        let control = try await client.connect()
                        _ = try await control.createTunnel(unpublished())
                    }
                }
                await engine.shutdown()
                return error
            } catch {
                await engine.shutdown()
                throw error
            }
        }
    }

    @Test("by the control plane is in no error, neither the token nor a header", arguments: forms(of: token))
    func controlPlane(form: String) async throws {
        func ask(_ answer: TestControlPlane.Answer, region: String? = nil) async throws -> RstreamError {
            try await TestControlPlane.with(answer) { plane in
                let client = ControlPlane(agent: .library, group: MultiThreadedEventLoopGroup.singleton)
                let project = ManagedProject(
                    apiURL: plane.url,
                    endpoint: "1a2b",
                    region: region,
                    headers: ["X-Key": "Key the-header-value"]
                )
                return try await failure { _ = try await client.engine(of: project, token: Secret(" \(Self.token)\n")) }
            }
        }
        for status in [401, 403, 404, 500] {
            let error = try await ask(.status(status, #"{"error":"not for \#(form)"}"#))
            #expect(error.what.hasSuffix("***") || error.what.hasSuffix("***…"), "\(error.what)")
            #expect(!Self.tells(error.what, form), "\(error.what)")
        }
        let hidden = form.map { "\($0)\\u200b" }.joined()
        let error = try await ask(.status(500, #"{"error":"not for \#(hidden)"}"#))
        #expect(!Self.tells(error.what, form), "\(error.what)")
        let header = try await ask(.status(500, #"{"error":"not for the-header-value, sorry"}"#))
        #expect(header.what.hasSuffix(": not for ***, sorry"))
        guard form.isVisibleASCII else { return }
        let region = try await ask(
            .json(#"{"domain":"d.example","regionalEndpoints":[{"region":"\#(form)","domain":"d"}]}"#),
            region: "mars"
        )
        #expect(region.code == .regionUnavailable)
        // Names of regions are told in small letters, so that only what is in small letters anyway can be found.
        if form == form.lowercased() { #expect(!Self.tells(region.description, form), "\(region)") }
    }

    @Test("by the control plane as an address makes the address one that is not used")
    func address() async throws {
        try await TestControlPlane.with(.json(#"{"domain":"\#(Self.token).example"}"#)) { plane in
            let client = ControlPlane(agent: .library, group: MultiThreadedEventLoopGroup.singleton)
            let project = ManagedProject(apiURL: plane.url, endpoint: "1a2b")
            let error = try await failure { _ = try await client.engine(of: project, token: Secret(Self.token)) }
            #expect(!error.what.contains(Self.token))
        }
    }

    @Test("by a proxy is in no error, nor in what to do about it", arguments: forms(of: "the-password-of-the-proxy"))
    func proxy(form: String) async throws {
        let user = Proxy.Credentials(username: "user", password: Secret("the-password-of-the-proxy"))
        let answers = [
            "HTTP/1.1 403 no \(form)\r\n\r\n", "HTTP/1.1 407 no\r\nProxy-Authenticate: \(form) realm=x\r\n\r\n",
            "HTTP/1.1 502 \(String(repeating: "x", count: 170)) \(form)\r\n\r\n",
        ]
        try await TestEngine.with { engine in
            for answer in answers {
                try await FakeProxy.with(FakeProxy.http(answer: answer)) { _, address in
                    let client = engine.client {
                        $0.transport.proxy = Proxy(route: .http(address), credentials: user)
                    }
                    for dials in [false, true] {
                        let error = try await failure {
                            if dials { _ = try await client.dial("x") } else { _ = try await client.connect() }
                        }
                        #expect(!Self.tells(error.description, form), "\(error)")
                    }
                }
            }
        }
    }
}
