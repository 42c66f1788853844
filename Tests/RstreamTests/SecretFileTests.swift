// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("A token file")
struct TokenFileTests {
    @Test(
        "is read without white space around the token",
        arguments: ["abc", "abc\n", " abc\r\n", "\u{FEFF}abc\n", "\u{FEFF} abc"]
    )
    func trimmed(text: String) async throws {
        try await TemporaryFolder.with { folder in
            let path = try folder.write(text, to: "token")
            let token = try SecretFile.token(path, isTrusted: false)
            #expect(token.reveal() == "abc")
        }
    }

    @Test("that is missing, empty, too long or a folder is an error that may pass, and that names it")
    func unusable() async throws {
        try await TemporaryFolder.with { folder in
            let cases = [
                (folder.path(of: "missing"), "there is no such file"),
                (try folder.write(" \n", to: "blank"), "is empty"),
                (try folder.write(String(repeating: "x", count: 16_385), to: "long"), "longer than 16384 bytes"),
                (try folder.write(String(repeating: "x", count: 65_537), to: "longer"), "longer than 16400 bytes"),
                (try folder.write("-----BEGIN\nMII\n", to: "key"), "has more than one line"),
                (try folder.write("caf\u{E9}", to: "word"), "characters other than printable ASCII"),
                (folder.path, "not a regular file"),
                ("/proc/self/environ", "not a regular file"),
                ("/dev/zero", "not a regular file"),
                (try folder.write("open", to: "open", mode: 0o644), "can be read by other users"),
            ]
            for (path, words) in cases {
                let error = #expect(throws: RstreamError.self) {
                    try SecretFile.token(path, isTrusted: false)
                }
                #expect(error?.code == .authRequired)
                #expect(error?.retry == .afterBackoff)
                #expect(error?.what.contains(path) == true)
                #expect(error?.what.contains(words) == true, "\(error?.what ?? "")")
            }
        }
    }

    @Test("of systemd may be readable by whom systemd likes")
    func credential() async throws {
        try await TemporaryFolder.with { folder in
            let path = try folder.write("abc", to: "token", mode: 0o444)
            let token = try SecretFile.token(path, isTrusted: true)
            #expect(token.reveal() == "abc")
        }
    }
}

@Suite("A PIN file")
struct PINFileTests {
    @Test("is read without white space around the PIN", arguments: ["12 34", "12 34\n", " 12 34\r\n"])
    func trimmed(text: String) async throws {
        try await TemporaryFolder.with { folder in
            let path = try folder.write(text, to: "pin")
            let pin = try SecretFile.pin(path)
            #expect(pin.reveal() == "12 34")
        }
    }

    @Test("that is empty, too long, more than a line or open to others is an error, which does not show it")
    func unusable() async throws {
        try await TemporaryFolder.with { folder in
            let cases = [
                (try folder.write(" \n", to: "blank"), "does not contain a PIN"),
                (try folder.write(String(repeating: "4711", count: 64), to: "long"), "does not contain a PIN"),
                (try folder.write("4711\n4711\n", to: "lines"), "does not contain a PIN"),
                (try folder.write("4711", to: "open", mode: 0o644), "can be read by other users"),
            ]
            for (path, words) in cases {
                let error = #expect(throws: RstreamError.self) { try SecretFile.pin(path) }
                #expect(error?.what.contains(words) == true, "\(error?.what ?? "")")
                #expect(error.map { "\($0)".contains("4711") } == false)
            }
        }
    }
}

@Suite("A client certificate's key", .serialized, .timeLimit(.hang))
struct KeyFileTests {
    @Test("that other users can read is refused before dialing, with the command that fixes it")
    func loose() async throws {
        try await TemporaryFolder.with { folder in
            let files = try ClientCertificate(in: folder)
            let key = try folder.write(folder.read("key.pem"), to: "loose.pem", mode: 0o644)
            try await TestEngine.with { engine in
                let client = engine.client {
                    $0.credential = .clientCertificate(certificateFile: files.certificateFile, keyFile: key)
                }
                let error = try await failure { _ = try await client.connect() }
                #expect(error.what == "key file \"\(key)\" can be read by other users")
                #expect(error.fix?.contains("chmod 600 \(key)") == true)
                #expect(try await engine.engine.statistics().connections == 0)
            }
        }
    }

    @Test("may be given as text, together with its certificate")
    func inline() async throws {
        try await TemporaryFolder.with { folder in
            let files = try ClientCertificate(in: folder)
            let key = try Secret(folder.read("key.pem"))
            try await TestEngine.with(.with { $0.registeredCertificates = [files.certificateFile] }) { engine in
                let client = engine.client {
                    $0.credential = .clientCertificatePEM(certificate: ClientCertificate.certificate, key: key)
                }
                await (try client.connect()).close()
                let broken = engine.client {
                    $0.credential = .clientCertificatePEM(certificate: ClientCertificate.certificate, key: Secret("x"))
                }
                let error = try await failure { _ = try await broken.connect() }
                #expect(error.code == .invalidConfig)
                #expect(error.what == "the client certificate's key does not contain a valid PEM private key")
            }
        }
    }
}
