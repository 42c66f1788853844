// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamModel
import RstreamTestSupport
import Testing

@Suite("rstream-dev-engine")
struct CommandTests {
    /// Starts an engine that cannot start, and expects this one sentence and exit status 1.
    private func expectFailure(_ arguments: [String], _ sentence: String) async throws {
        let result = try await ProcessHandle.run(try Binaries.path(of: "rstream-dev-engine"), arguments)
        #expect(result.exit == .status(1))
        #expect(result.output == [])
        #expect(result.errors == ["Error: \(sentence)"])
    }

    @Test("says which file it cannot use, and why")
    func files() async throws {
        try await TemporaryFolder.with { folder in
            let (missing, empty) = (folder.path(of: "missing"), try folder.write("", to: "empty"))
            let ended = try folder.write(ClientCertificate.endedCertificate, to: "ended.pem")
            let issuing = try folder.write(ClientCertificate.issuingCertificate, to: "issuing.pem")
            let old = try folder.write(ClientCertificate.oldCertificate, to: "old.pem")
            let (secret, certificate) = ("--jwt-secret", "--registered-certificate")
            for (option, file, reason) in [
                (secret, missing, "No such file or directory"), (secret, folder.path, "Is a directory"),
                (secret, empty, "the file is empty"), (certificate, missing, "No such file or directory"),
                (certificate, empty, "the file has no PEM certificate"),
                (certificate, ended, "the certificate expired at 2021-01-01T00:00:00Z"),
                (certificate, issuing, "its key usage leaves out digitalSignature"),
                (
                    certificate, old,
                    "it breaks RFC 5280, or its key is neither RSA, P-256, P-384, P-521 nor Ed25519"
                ),
            ] {
                let arguments = ["--state", folder.path(of: "state"), option, file]
                try await expectFailure(arguments, "\(option) \(file): \(reason)")
            }
        }
    }

    @Test("says that its folder is not a folder, or not writable")
    func state() async throws {
        try await TemporaryFolder.with { folder in
            let file = try folder.write("", to: "file")
            try await expectFailure(["--state", file], "--state \(file): Not a directory")
            try await expectFailure(["--state", file + "/below"], "--state \(file)/below: Not a directory")
        }
        try await expectFailure(["--state", "/proc/none"], "--state /proc/none: No such file or directory")
    }

    @Test("says that the port is in use, or the host has no address")
    func port() async throws {
        try await TestEngine.with { engine in
            try await TemporaryFolder.with { folder in
                let address = engine.address.description
                let state = ["--state", folder.path(of: "state")]
                try await expectFailure(state + ["--listen", address], "--listen \(address): Address already in use")
                try await expectFailure(
                    state + ["--listen", "name.invalid:1"],
                    "--listen name.invalid:1: the host has no address"
                )
            }
        }
    }
}
