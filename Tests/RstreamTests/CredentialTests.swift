// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Crypto
import DevEngine
import FoundationEssentials
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

/// The three parts of a JWT, undone.
struct OpenedToken {
    let header: Data
    let payload: Data
    let signature: Data
    let signed: Data

    init(_ token: Secret) throws {
        let parts = token.reveal().split(separator: ".", omittingEmptySubsequences: false)
        try #require(parts.count == 3)
        header = try Self.base64URL(parts[0])
        payload = try Self.base64URL(parts[1])
        signature = try Self.base64URL(parts[2])
        signed = Data("\(parts[0]).\(parts[1])".utf8)
    }

    private static func base64URL(_ text: Substring) throws -> Data {
        try #require(!text.contains { "+/=".contains($0) })
        let standard = text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        let padding = String(repeating: "=", count: (4 - standard.count % 4) % 4)
        return try #require(Data(base64Encoded: String(standard) + padding))
    }
}

/// An unsigned token with these claims, which no client can tell from a signed one.
func token(claiming claims: String) -> Secret {
    let payload = Data(claims.utf8).base64EncodedString().filter { $0 != "=" }
    return Secret("e30.\(payload).c2ln")
}

@Suite("The token of an application")
struct ApplicationTokenTests {
    private let key = P521.Signing.PrivateKey()

    private var secret: Secret {
        Secret(
            key.derRepresentation.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        )
    }

    @Test("is signed with ES512 by the client secret")
    func signature() throws {
        let credential = ApplicationCredential(clientID: "client", clientSecret: secret)
        let token = try OpenedToken(try ApplicationToken.make(credential, now: 1_700_000_000))
        #expect(String(decoding: token.header, as: UTF8.self) == #"{"alg":"ES512","typ":"JWT"}"#)
        #expect(token.signature.count == 132)
        let signature = try P521.Signing.ECDSASignature(rawRepresentation: token.signature)
        #expect(key.publicKey.isValidSignature(signature, for: token.signed))
    }

    @Test("claims the application, one minute, and whatever permissions it has")
    func claims() throws {
        let credential = ApplicationCredential(clientID: "client", clientSecret: secret)
        let token = try OpenedToken(try ApplicationToken.make(credential, now: 1_700_000_000))
        #expect(
            String(decoding: token.payload, as: UTF8.self)
                == #"{"clientId":"client","exp":1700000060,"iat":1700000000,"permissions":null,"type":"app"}"#
        )
    }

    @Test("may be narrowed to an engine, a time and a grant")
    func narrowed() throws {
        let credential = ApplicationCredential(
            clientID: "client",
            clientSecret: secret,
            lifetime: .seconds(3_600),
            grant: .and([.projects(["p"]), .or([.workspaces(["w"]), .permissions([.create])])]),
            engine: "e.example:443"
        )
        let token = try OpenedToken(try ApplicationToken.make(credential, now: 0))
        let grant =
            #"{"AND":[{"projects":["p"]},{"OR":[{"workspaces":["w"]},{"scopes":{"tunnels":{"create":true}}}]}]}"#
        #expect(
            String(decoding: token.payload, as: UTF8.self)
                == #"{"clientId":"client","exp":3600,"iat":0,"metadata":{"engine":"e.example:443"},"permissions":null,"#
                + #""resources":{"tunnels":\#(grant)},"type":"app"}"#
        )
    }

    @Test(
        "has a lifetime of one second to one hour",
        arguments: [.zero, .seconds(3_601), .milliseconds(1_500)] as [Duration]
    )
    func lifetime(lifetime: Duration) {
        let credential = ApplicationCredential(clientID: "c", clientSecret: secret, lifetime: lifetime)
        let error = #expect(throws: RstreamError.self) { try ApplicationToken.make(credential, now: 0) }
        #expect(error?.code == .invalidConfig)
    }

    @Test("needs a secret that is a P-521 key, and never shows it", arguments: ["", "zz", "abc", "30820000", "+1+2"])
    func badSecret(text: String) {
        let credential = ApplicationCredential(clientID: "c", clientSecret: Secret(text))
        let error = #expect(throws: RstreamError.self) { try ApplicationToken.make(credential, now: 0) }
        #expect(error?.code == .invalidConfig)
        #expect(error?.description.contains("hunter") == false)
    }

    @Test("is made anew at every connect")
    func everyConnect() async throws {
        let options = RstreamClientOptions(
            engine: try EngineAddress("e"),
            credential: .application(ApplicationCredential(clientID: "c", clientSecret: secret))
        )
        let first = try OpenedToken(try #require(try await options.token(now: 100)))
        let second = try OpenedToken(try #require(try await options.token(now: 200)))
        #expect(first.payload != second.payload)
    }
}

@Suite("The end of a token's time", .serialized, .timeLimit(.hang))
struct TokenExpiryTests {
    private func options(_ credential: RstreamClientOptions.Credential) throws -> RstreamClientOptions {
        RstreamClientOptions(engine: try EngineAddress("e"), credential: credential)
    }

    @Test("refuses a token at its end, whatever holds it, and not before")
    func refused() async throws {
        try await TemporaryFolder.with { folder in
            let expiring = token(claiming: #"{"exp":1000}"#)
            let path = try folder.write(expiring.reveal(), to: "token")
            for credential in [
                RstreamClientOptions.Credential.token(expiring), .tokenProvider { expiring }, .tokenFile(path: path),
            ] {
                let options = try options(credential)
                #expect(try await options.token(now: 999) == expiring)
                let error = await #expect(throws: RstreamError.self) { try await options.token(now: 1_000) }
                #expect(error?.code == .tokenExpired)
                #expect(error?.origin == .configuration)
            }
        }
    }

    @Test("is retried if another token may appear by itself, and otherwise needs a change")
    func retry() async throws {
        try await TemporaryFolder.with { folder in
            let expired = token(claiming: #"{"exp":1}"#)
            let path = try folder.write(expired.reveal(), to: "token")
            let text = await #expect(throws: RstreamError.self) { try await options(.token(expired)).token() }
            #expect(text?.retry == .afterReload)
            let file = await #expect(throws: RstreamError.self) {
                try await options(.tokenFile(path: path)).token()
            }
            #expect(file?.retry == .afterBackoff)
            #expect(file?.fix == "write a new token to \(path)")
        }
    }

    @Test("a token that cannot be read is the engine's to judge")
    func undecodable() async throws {
        #expect(try await options(.token(Secret("pat"))).token() == Secret("pat"))
    }

    @Test("is found out before anything is dialed")
    func beforeDialing() async throws {
        try await TestEngine.with { engine in
            let client = engine.client { $0.credential = .token(token(claiming: #"{"exp":1}"#)) }
            for error in [
                try await failure { _ = try await client.connect() },
                try await failure { _ = try await client.dial("x") },
            ] {
                #expect(error.code == .tokenExpired)
            }
            #expect(try await engine.engine.statistics().connections == 0)
        }
    }

    @Test("is reported so that a caller can warn of it")
    func told() async throws {
        func expiry(_ credential: RstreamClientOptions.Credential) async throws -> TokenExpiry {
            await RstreamClient(try options(credential)).tokenExpiry()
        }
        let soon = TokenExpiry.now + 3_600
        #expect(try await expiry(.token(token(claiming: #"{"exp":\#(soon)}"#))) == .withinADay(at: soon))
        #expect(try await expiry(.token(token(claiming: #"{"exp":1}"#))) == .expired(at: 1))
        #expect(try await expiry(.token(Secret("pat"))) == .never)
        #expect(try await expiry(.tokenProvider { token(claiming: #"{"exp":1}"#) }) == .expired(at: 1))
        #expect(try await expiry(.tokenFile(path: "/does/not/exist")) == .never)
        #expect(try await expiry(.none) == .never)
    }
}
