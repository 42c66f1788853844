// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import ClientConfiguration
import RstreamModel
import Testing

@Suite("Choosing a credential")
struct AuthTests {
    private let tokenVariable = ["RSTREAM_AUTHENTICATION_TOKEN": "variable"]
    private let certificateVariables = ["RSTREAM_MTLS_CERT_FILE": "v.pem", "RSTREAM_MTLS_KEY_FILE": "v.key"]
    private let variableFiles = ConfiguredCredential.clientCertificate(certificateFile: "v.pem", keyFile: "v.key")

    @Test("the program's token wins over the variable's, and that over a stored one; blanks do not count")
    func token() {
        let file = context("engine: e\n\(stored("stored"))")
        #expect(resolve(file).client?.credential == .token(Secret("stored")))
        #expect(resolve(file).client?.credentialSource == .context)
        #expect(resolve(file, environment: ["RSTREAM_AUTHENTICATION_TOKEN": " "]).client?.credentialSource == .context)
        let variable = resolve(file, environment: tokenVariable).client
        #expect(variable?.credential == .token(Secret("variable")))
        #expect(variable?.credentialSource == .variable("RSTREAM_AUTHENTICATION_TOKEN"))
        let override = resolve(file, environment: tokenVariable) { $0.token = Secret("override") }.client
        #expect(override?.credential == .token(Secret("override")))
        #expect(override?.credentialSource == .override)
        #expect(resolve(file, environment: tokenVariable) { $0.token = Secret(" ") }.client == variable)
    }

    @Test("an explicit certificate suppresses stored tokens, the program's before the variables'")
    func certificate() {
        let file = context("engine: e\n\(stored("stored"))")
        #expect(resolve(file, environment: certificateVariables).client?.credential == variableFiles)
        let override = resolve(file, environment: certificateVariables) {
            $0.certificateFile = "o.pem"
            $0.keyFile = "o.key"
        }
        #expect(override.client?.credential == .clientCertificate(certificateFile: "o.pem", keyFile: "o.key"))
    }

    @Test("an explicit token suppresses stored certificates")
    func tokenOverCertificate() {
        let file = context("engine: e\nauth: { mtls: { certificateFile: a, keyFile: b } }")
        #expect(resolve(file, environment: tokenVariable).client?.credential == .token(Secret("variable")))
    }

    @Test("an explicit token and an explicit certificate are a conflict")
    func conflict() {
        let outcome = resolve(
            context("engine: e"),
            environment: tokenVariable.merging(certificateVariables) { $1 }
        )
        #expect(outcome.complaint == "token and mTLS authentication cannot be used together")
        #expect(outcome.code == .authConflict)
    }

    @Test("half a pair of variables is an error", arguments: ["RSTREAM_MTLS_CERT_FILE", "RSTREAM_MTLS_KEY_FILE"])
    func halfPair(name: String) {
        let outcome = resolve(context("engine: e\n\(stored("t"))"), environment: [name: "f"])
        #expect(outcome.complaint == "mTLS certificate and key files are both required")
        #expect(outcome.code == .mtlsIncomplete)
    }

    @Test("no token means none from anywhere, and needs no other credential")
    func noToken() {
        let file = context("engine: e\n\(stored("stored"))")
        let outcome = resolve(file, environment: tokenVariable) { $0.noToken = true }
        #expect(outcome.client?.credential == ConfiguredCredential.none)
        let certificate = resolve(file, environment: certificateVariables) { $0.noToken = true }
        #expect(certificate.client?.credential == variableFiles)
    }

    @Test("a context without auth takes the environment's, and one with any replaces it as a whole")
    func levels() {
        let environment = stored("environment")
        let inherited = resolve(context("engine: e", environment: environment)).client
        #expect(inherited?.credential == .token(Secret("environment")))
        #expect(inherited?.credentialSource == .environment)
        let blank = resolve(context("engine: e\n\(stored("' '"))", environment: environment)).client
        #expect(blank?.credentialSource == .environment)
        let empty = resolve(context("engine: e\nauth: { token: {}, mtls: {} }", environment: environment)).client
        #expect(empty?.credentialSource == .environment)
        let replaced = resolve(
            context("engine: e\nauth: { mtls: { certificate: C, key: K } }", environment: environment)
        ).client
        #expect(replaced?.credential == .clientCertificatePEM(certificate: "C", key: Secret("K")))
    }

    @Test("files of a stored certificate start at the configuration file")
    func files() {
        let outcome = resolve(context("engine: e\nauth: { mtls: { certificateFile: a.pem, keyFile: /k } }"))
        #expect(
            outcome.client?.credential
                == .clientCertificate(certificateFile: "/home/u/.rstream/a.pem", keyFile: "/k")
        )
    }

    @Test(
        "a stored token without a kind stands in the file, as one that says so",
        arguments: ["", "kind: , ", "kind: inline, "]
    )
    func kindless(kind: String) {
        let outcome = resolve(context("engine: e\nauth: { token: { storage: { \(kind)value: t } } }"))
        #expect(outcome.client?.credential == .token(Secret("t")))
        #expect(outcome.client?.credentialSource == .context)
    }

    @Test(
        "each mistake in stored credentials has its text and code",
        arguments: [
            Refused("", "3:5: context \"main\": authentication is required but not configured", .authRequired),
            Refused(
                "auth: { token: { storage: { kind: inline, value: t } }, mtls: { certificate: C, key: K } }",
                "5:61: context \"main\": token and mTLS authentication cannot be used together",
                .authConflict
            ),
            Refused(
                "auth: { token: { storage: { kind: keychain, provider: macos } } }",
                "5:33: context \"main\": token storage kind \"keychain\" is not supported",
                .unsupportedConfig
            ),
            Refused(
                "auth: { mtls: { certificate: C } }",
                "5:13: context \"main\": mTLS inline certificate and key are both required",
                .mtlsIncomplete
            ),
            Refused(
                "auth: { mtls: { keyFile: k } }",
                "5:13: context \"main\": mTLS certificate and key files are both required",
                .mtlsIncomplete
            ),
            Refused(
                "auth: { mtls: { certificate: C, key: K, keyFile: k } }",
                "5:13: context \"main\": mTLS certificate and key must be configured either inline or with files, not both"
            ),
            Refused(
                "auth: { mtls: { certificate: C, storage: { kind: pkcs11 } } }",
                "5:37: context \"main\": mTLS storage cannot be mixed with certificate/key aliases"
            ),
            Refused(
                "auth: { mtls: { storage: { slot: 0 } } }",
                "5:21: context \"main\": mTLS storage kind is required"
            ),
            Refused(
                "auth: { mtls: { storage: { kind: pkcs11, slot: 0 } } }",
                "5:32: context \"main\": mTLS storage kind \"pkcs11\" is not supported",
                .unsupportedConfig
            ),
            Refused(
                "auth: { mtls: { storage: { kind: keychain } } }",
                "5:32: context \"main\": mTLS storage kind \"keychain\" is not supported",
                .unsupportedConfig
            ),
            Refused(
                "auth: { mtls: { storage: { kind: exec, certificateSHA256: aa, exec: { command: /x } } } }",
                "5:32: context \"main\": mTLS storage kind \"exec\" is not supported",
                .unsupportedConfig
            ),
            Refused(
                "auth: { mtls: { storage: { kind: exec, slot: 0, exec: { command: /x } } } }",
                "5:21: context \"main\": exec mTLS storage cannot include another backend or certificate source"
            ),
        ]
    )
    func mistakes(refused: Refused) {
        refused.check(resolve(context("engine: e\n\(refused.text)")))
    }

    @Test("what is not used is not judged: an explicit token makes an unsupported storage harmless")
    func unused() {
        let file = context("engine: e\nauth: { mtls: { storage: { kind: keychain } } }")
        #expect(resolve(file, environment: tokenVariable).client != nil)
    }
}

@Suite("What a token says about itself")
struct TokenClaimsTests {
    private func token(_ payload: String) -> Secret {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        var bits = payload.utf8.flatMap { byte in (0..<8).reversed().map { Int(byte >> $0 & 1) } }
        bits += repeatElement(0, count: (6 - bits.count % 6) % 6)
        let text = stride(from: 0, to: bits.count, by: 6).map { place in
            alphabet[bits[place..<(place + 6)].reduce(0) { $0 << 1 | $1 }]
        }
        return Secret("h.\(String(text)).s")
    }

    @Test(
        "the end is read as a number, rounded up",
        arguments: [
            (#"{"exp":1700000000}"#, 1_700_000_000), (#"{"exp":1.5}"#, 2), (#"{"exp":-3,"metadata":7}"#, -3),
            (#"{"exp":1e3}"#, 1_000), (#"{"exp":253402300799}"#, 253_402_300_799),
            (#"{"exp":1e300}"#, 253_402_300_799), (#"{"exp":9223372036854775807}"#, 253_402_300_799),
            (#"{"exp":-1e300}"#, -62_135_596_800), (#"{"exp":-9223372036854775808}"#, -62_135_596_800),
            (#"{"exp":-1e-300}"#, 0),
        ] as [(String, Int64)]
    )
    func expiry(payload: String, expected: Int64) {
        #expect(TokenClaims(of: token(payload)).expiresAt == expected)
    }

    @Test(
        "a token that cannot be read says nothing",
        arguments: ["", "pat", "a.b.c", "..", "a.!!.c", "a.e30.c.d"]
    )
    func undecodable(text: String) {
        #expect(TokenClaims(of: Secret(text)).expiresAt == nil)
        #expect(TokenClaims(of: Secret(text)).engine == nil)
    }

    @Test(
        "neither does one whose end is no number, that is nested without end, or that is longer than any token",
        arguments: [
            #"{}"#, #"{"exp":"1"}"#, #"{"exp":1e400}"#, #"{"exp":NaN}"#, #"[]"#, String(repeating: "[", count: 513),
            #"{"exp":1,"a":"# + String(repeating: "[", count: 513), #"{"exp":1,"a":""# + long + #""}"#,
        ]
    )
    func strange(payload: String) {
        let claims = TokenClaims(of: token(payload))
        #expect(claims.expiresAt == nil)
        #expect(claims.engine == nil)
    }

    private static let long = String(repeating: "x", count: 16 * 1_024)

    @Test("an engine is as long as an address can be, whatever it claims")
    func longEngine() {
        func engine(_ length: Int) -> String? {
            let name = String(repeating: "e", count: length)
            return TokenClaims(of: token(#"{"metadata":{"engine":"\#(name)"},"exp":1}"#)).engine
        }
        #expect(engine(259)?.utf8.count == 259)
        #expect(engine(260) == nil)
    }

    @Test("a token of nothing but combining marks costs no more than its length")
    func marks() {
        let marks = String(repeating: "\u{301}\u{323}", count: 4_000)
        for text in [marks, "a.\(marks).c", "a\(marks).b\(marks).c\(marks)"] {
            #expect(TokenClaims(of: Secret(text)).expiresAt == nil)
        }
    }

    @Test("the engine that a token names is used when nothing else gives one")
    func engine() throws {
        let token = token(#"{"metadata":{"engine":"E.example"},"exp":"x"}"#)
        let client = resolve { $0.token = token }.client
        #expect(client?.engine == .address(try EngineAddress("e.example")))
        #expect(client?.engineSource == .token)
        let other = resolve(environment: ["RSTREAM_ENGINE": "f"]) { $0.token = token }.client
        #expect(other?.engine == .address(try EngineAddress("f")))
    }
}
