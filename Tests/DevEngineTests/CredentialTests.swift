// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Crypto
import FoundationEssentials
import RstreamModel
import Testing

@testable import DevEngine

@Suite("Credentials")
struct CredentialTests {
    // Made with the secret "s3cret": {"alg":"HS256","typ":"JWT"} and {"exp":2000000000}.
    private let token =
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjIwMDAwMDAwMDB9.BxODtHS5-P8TpaQs93Kje7EYCJ-M5-bbvZ9u0GzqVXk"
    private let secret = Array("s3cret".utf8)
    private let early = Date(timeIntervalSince1970: 1_999_999_999)
    private let late = Date(timeIntervalSince1970: 2_000_000_000)

    @Test("a token signed with the secret is good until it expires")
    func expiry() {
        #expect(JSONWebToken.isValid(token, secret: secret, now: early))
        #expect(!JSONWebToken.isValid(token, secret: secret, now: late))
    }

    @Test("another secret, algorithm or form is not good")
    func forged() {
        #expect(!JSONWebToken.isValid(token, secret: Array("other".utf8), now: early))
        let parts = token.split(separator: ".").map(String.init)
        // {"alg":"none"}
        for forged in ["eyJhbGciOiJub25lIn0.\(parts[1]).", "\(parts[0]).\(parts[1])", "", "..", "a.b.c", token + "A"] {
            #expect(!JSONWebToken.isValid(forged, secret: secret, now: early), "\(forged)")
        }
    }

    /// A token of this header and payload, signed with the secret.
    private func signed(_ header: String, _ payload: String = #"{"exp":2000000000}"#) -> String {
        func encoded(_ data: Data) -> String {
            data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        }
        let text = "\(encoded(Data(header.utf8))).\(encoded(Data(payload.utf8)))"
        let code = HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: SymmetricKey(data: secret))
        return "\(text).\(encoded(Data(code)))"
    }

    @Test("a token that must be understood in more than this engine knows is not good, however well it is signed")
    func critical() {
        #expect(JSONWebToken.isValid(signed(#"{"alg":"HS256"}"#), secret: secret, now: early))
        #expect(JSONWebToken.isValid(signed(#"{"alg":"HS256","x":["crit"]}"#), secret: secret, now: early))
        for critical in [
            #"["exp"]"#, #"["b64"],"b64":false"#, #"["http://example.test/UNDEFINED"]"#, "[]", "null", "false",
            #""exp""#,
        ] {
            for name in ["crit", #"cr\u0069t"#] {
                let header = #"{"alg":"HS256","\#(name)":\#(critical)}"#
                #expect(!JSONWebToken.isValid(signed(header), secret: secret, now: early), "\(header)")
            }
        }
    }

    @Test("no other algorithm is taken, however it is spelled and whatever the signature")
    func algorithms() {
        for header in [
            #"{"alg":"hs256"}"#, #"{"alg":"HS384"}"#, #"{"alg":"RS256"}"#, #"{"alg":["HS256"]}"#, #"{"alg":null}"#,
            "{}", "[]", #"{"ALG":"HS256"}"#, #"{"alg":"HS256\u0301"}"#, #"{"alg":"HS256 "}"#,
        ] {
            #expect(!JSONWebToken.isValid(signed(header), secret: secret, now: early), "\(header)")
        }
        let parts = token.split(separator: ".").map(String.init)
        for forged in [
            "\(parts[0]).\(parts[1]).\(parts[2])=", "\(parts[0]).\(parts[1]).\(parts[2].replacing("_", with: "/"))",
            "\(parts[0])\u{301}.\(parts[1]).\(parts[2])", "\(token).", ".\(token)", " \(token)",
        ] where forged != token {
            #expect(!JSONWebToken.isValid(forged, secret: secret, now: early), "\(forged)")
        }
    }

    @Test("one token for all lets in that token only")
    func fixed() {
        let authentication = Authentication.token(Secret("right"))
        #expect(authentication.accepts(Secret("right")))
        #expect(!authentication.accepts(Secret("wrong")))
        #expect(!authentication.accepts(nil))
        #expect(Authentication.none.accepts(nil))
    }

    @Test(
        "a protocol version is missing, not one, or too new",
        arguments: [
            (nil, .protocolVersionMissing), ("", .protocolVersionMissing), ("new", .protocolVersionInvalid),
            ("1.4", .protocolVersionInvalid), ("1.-4.5", .protocolVersionInvalid),
            ("2.0.0", .protocolVersionIncompatible), ("1.5.0", .protocolVersionIncompatible),
            ("0.9.0", .protocolVersionIncompatible), ("1.4.5", nil), ("1.3.0", nil), ("1.4.99-rc.1", nil),
        ] as [(String?, EngineErrorCode?)]
    )
    func version(stated: String?, code: EngineErrorCode?) {
        #expect(ProtocolVersion.refusal(of: stated)?.code == code)
    }
}
