// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamSocket
import RstreamTestSupport
import Testing

@testable import DevEngine

@Suite("The engine's state folder", .timeLimit(.hang))
struct StateDirectoryTests {
    private func expectRefusal(_ path: String, _ reason: String) {
        let failure = #expect(throws: StartFailure.self) { try StateDirectory(path: path) }
        #expect(failure?.description.hasSuffix(": \(reason)") == true, "\(failure?.description ?? "")")
    }

    @Test("is made for its user alone, with the folders above it, and so are the files that are private")
    func made() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "a/b/state")
            let state = try StateDirectory(path: path + "//")
            #expect(state.path == path)
            for name in ["a", "a/b", "a/b/state"] { #expect(FileStatus(folder.path(of: name))?.permissions == 0o700) }
            try state.write("open", to: "open")
            try state.write("closed", to: "closed", isPrivate: true)
            #expect(FileStatus(path + "/closed")?.permissions == 0o600)
            #expect(try state.read("closed", isPrivate: true) == "closed")
            #expect(try state.read("open") == "open")
            #expect(try state.read("missing") == nil)
            _ = try StateDirectory(path: path)
        }
    }

    @Test("is refused when others can write to it or it is a link, to whatever and with whatever behind it")
    func shared() async throws {
        try await TemporaryFolder.with { folder in
            try folder.makeFolder("state")
            let path = folder.path(of: "state")
            for mode: mode_t in [0o770, 0o720, 0o702, 0o777, 0o1777] {
                chmod(path, mode)
                expectRefusal(path, "others can write to it; chmod go-w \(path)")
            }
            chmod(path, 0o755)
            _ = try StateDirectory(path: path)
            let (link, dangling) = (folder.path(of: "link"), folder.path(of: "dangling"))
            #expect(symlink(path, link) == 0)
            #expect(symlink(folder.path(of: "nothing"), dangling) == 0)
            for name in [link, dangling] {
                expectRefusal(name, "it is a link")
                expectRefusal(name + "/", "it is a link")
            }
            #expect(FileStatus(folder.path(of: "nothing")) == nil)
        }
    }

    @Test("is refused when it belongs to another user", .enabled(if: Binaries.mustBeComplete || geteuid() == 0))
    func foreign() async throws {
        try await TemporaryFolder.with { folder in
            try folder.makeFolder("state")
            let path = folder.path(of: "state")
            chmod(path, 0o700)
            #expect(chown(path, 12_345, 12_345) == 0)
            expectRefusal(path, "it belongs to another user")
        }
    }

    /// Lays something where the authority's certificate or key is, and expects that the engine neither uses nor changes it.
    private func expectRefusal(
        of name: String,
        _ reason: String,
        _ plant: (TemporaryFolder, String) throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            // A good authority, which only where it is and whose it is can speak against.
            let state = try StateDirectory(path: folder.path(of: "state"))
            _ = try CertificateAuthority(in: state)
            let before = try state.read(name)
            let path = state.path(of: name)
            try plant(folder, path)
            let failure = #expect(throws: StartFailure.self) { try CertificateAuthority(in: state) }
            let isCommand = reason.hasSuffix(" ")
            #expect(failure?.description == "--state \(path): \(reason)\(isCommand ? path : "")")
            if FileStatus(path)?.kind == .regular { #expect(try folder.read("state/\(name)") == before) }
        }
    }

    @Test("uses no certificate or key that another user could have put there", arguments: ["ca.pem", "ca.key"])
    func planted(name: String) async throws {
        try await expectRefusal(of: name, "it is a link") { folder, path in
            let elsewhere = folder.path(of: "elsewhere")
            #expect(rename(path, elsewhere) == 0)
            #expect(symlink(elsewhere, path) == 0)
        }
        try await expectRefusal(of: name, "it is not a regular file") { _, path in
            #expect(unlink(path) == 0)
            #expect(mkfifo(path, 0o600) == 0)
        }
        for mode: mode_t in [0o660, 0o602] {
            try await expectRefusal(of: name, "others can write to it; chmod go-w ") { _, path in chmod(path, mode) }
        }
        if name == "ca.key" {
            try await expectRefusal(of: name, "others can read it; chmod 600 ") { _, path in chmod(path, 0o644) }
        }
        guard geteuid() == 0 else { return }
        try await expectRefusal(of: name, "it belongs to another user") { _, path in
            #expect(chown(path, 12_345, 12_345) == 0)
        }
    }

    @Test("follows no link that was laid where it writes")
    func links() async throws {
        try await TemporaryFolder.with { folder in
            let precious = try folder.write("precious", to: "precious")
            let state = try StateDirectory(path: folder.path(of: "state"))
            for name in ["token", ".token.\(getpid())"] { #expect(symlink(precious, state.path(of: name)) == 0) }
            try state.write("new", to: "token", isPrivate: true)
            #expect(try state.read("token", isPrivate: true) == "new")
            #expect(try folder.read("precious") == "precious")
        }
    }

    @Test(
        "opens nothing that is there already, also for who knew the name",
        arguments: ["link", "dangling", "file", "second"]
    )
    func known(kind: String) async throws {
        try await TemporaryFolder.with { folder in
            let precious = try folder.write("precious", to: "precious")
            let state = try StateDirectory(path: folder.path(of: "state"))
            let place = state.path(of: ".token.known")
            switch kind {
            case "link": #expect(symlink(precious, place) == 0)
            case "dangling": #expect(symlink(folder.path(of: "new"), place) == 0)
            case "file": _ = try folder.write("theirs", to: "state/.token.known")
            default: #expect(link(precious, place) == 0)
            }
            #expect(throws: StartFailure.self) {
                try state.write("secret", to: "token", isPrivate: true, suffix: "known")
            }
            #expect(try folder.read("precious") == "precious")
            #expect(access(folder.path(of: "new"), F_OK) != 0)
            if kind == "file" { #expect(try folder.read("state/.token.known") == "theirs") }
            #expect(try state.read("token", isPrivate: true) == nil)
        }
    }

    @Test("is by default in the user's runtime folder, and otherwise a new one that goes with the engine")
    func chosen() async throws {
        try await TemporaryFolder.with { folder in
            for name in ["runtime", "shared", "temporary"] { try folder.makeFolder(name) }
            let (runtime, shared) = (folder.path(of: "runtime"), folder.path(of: "shared"))
            let temporary = folder.path(of: "temporary")
            chmod(runtime, 0o700)
            chmod(shared, 0o777)
            let link = folder.path(of: "link")
            #expect(symlink(runtime, link) == 0)
            let usual = try StateDirectory.chosen(environment: ["XDG_RUNTIME_DIR": runtime, "TMPDIR": temporary])
            #expect(usual.path == "\(runtime)/rstream-dev-engine")
            usual.discard()
            #expect(FileStatus(usual.path)?.kind == .directory)
            var paths: Set<String> = []
            for unfit in [shared, link, folder.path(of: "missing"), "runtime", "", nil] {
                var environment = ["TMPDIR": temporary]
                environment["XDG_RUNTIME_DIR"] = unfit
                let state = try StateDirectory.chosen(environment: environment)
                #expect(state.path.hasPrefix("\(temporary)/rstream-dev-engine-"), "\(unfit ?? "-")")
                #expect(FileStatus(state.path)?.permissions == 0o700)
                paths.insert(state.path)
                _ = try CertificateAuthority(in: state)
                state.discard()
                #expect(FileStatus(state.path) == nil)
            }
            #expect(paths.count == 6)
        }
    }

    @Test(
        "is no place for a secret that others could have written",
        .enabled(if: Binaries.mustBeComplete || geteuid() == 0)
    )
    func secretFile() async throws {
        try await TemporaryFolder.with { folder in
            let path = try folder.write("s3cret\n", to: "secret", mode: 0o644)
            let link = folder.path(of: "link")
            #expect(symlink(path, link) == 0)
            // Who names a link means it.
            #expect(try StartFailure.contents(of: link, for: .jwtSecret) == Array("s3cret\n".utf8))
            chmod(path, 0o666)
            #expect(throws: StartFailure.self) { try StartFailure.contents(of: path, for: .jwtSecret) }
            chmod(path, 0o600)
            #expect(chown(path, 12_345, 0) == 0)
            #expect(throws: StartFailure.self) { try StartFailure.contents(of: path, for: .jwtSecret) }
            for other in ["/dev/zero", folder.path] {
                #expect(throws: StartFailure.self) { try StartFailure.contents(of: other, for: .jwtSecret) }
            }
        }
    }
}
