// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Glibc
import NIOCore
import RstreamTestSupport
import Testing

extension Integration {
    /// Client certificates whose keys are in devices: a token of SoftHSM, and a TPM of swtpm.
    @Suite struct HardwareKeyTests {
        static let needs = "openssl, softhsm2, pkcs11-provider, swtpm, tpm2-tools and tpm2-openssl"

        @Test(
            "a key in a PKCS#11 token stands for a key file, on streams too, and its PIN is nowhere",
            .enabled(if: Token.isPossible, "\(needs)")
        )
        func token() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.withFolder { folder in
                    let token = try await Token(in: folder)
                    try await Pair.with(token.device, in: folder, upstream) { pair in
                        for _ in 0..<3 { #expect(await Visitor.isServed(port: try await pair.rawPort())) }
                        let socket = folder.path + "/run/admin.sock"
                        let shown = try await ProcessHandle.run(
                            try Binaries.path(of: "rstreamctl"),
                            ["--socket", socket, "-o", "json", "config"]
                        )
                        #expect(shown.output.joined().contains("pkcs11:token=rstreamd-test"))
                        let said = shown.output + pair.daemon.process.errors.all
                        #expect(!said.joined().contains(Token.pin))
                        #expect(pair.daemon.complaints().isEmpty, "\(pair.daemon.complaints())")
                    }
                }
            }
        }

        @Test(
            "a key in a PKCS#11 token signs for a service that demands a certificate, which no other tunnel reaches",
            .enabled(if: Token.isPossible, "\(needs)")
        )
        func service() async throws {
            try await Pair.withFolder { folder in
                let token = try await Token(in: folder)
                try await DemandingService.with(in: folder, client: token.device.certificateFile) { service in
                    let tunnels = """
                          - { name: raw, \(service.tunnel(token.device)) }
                          - { name: bare, \(service.tunnel(nil)) }
                        """
                    try await Pair.with(tunnels: tunnels, in: folder, token.device.environment) { pair in
                        try await pair.engine.wait { $0.tunnels == 2 }
                        let port = try await pair.rawPort()
                        for _ in 0..<2 {
                            let visitor = try await TestConnection.connect(toPort: port)
                            try await visitor.send("hello\n")
                            #expect(try await visitor.receive(asLongAs: "olleh\n") == "olleh\n")
                            await visitor.close()
                        }
                        #expect(pair.daemon.complaints().isEmpty, "\(pair.daemon.complaints())")
                        let bare = try #require(try await pair.ports("bare").first)
                        let stranger = try await TestConnection.connect(toPort: bare)
                        // The end may come first.
                        try? await stranger.send("hello\n")
                        let state = try await stranger.state.wait(for: "the refused stream's end") { $0.isOver }
                        #expect(state.received.readableBytes == 0, "\(state)")
                    }
                }
            }
        }

        @Test(
            "a wrong PIN is tried once, and a new one at once",
            .enabled(if: Token.isPossible, "\(needs)")
        )
        func pin() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.withFolder { folder in
                    let token = try await Token(in: folder)
                    try folder.write("0000\n", to: "pin")
                    try await Pair.with(token.device, in: folder, upstream, isOnline: false) { pair in
                        try await pair.daemon.logged("session down, retrying") { line in
                            line.facts["error"]?.contains("the device has refused the PIN") == true
                        }
                        try folder.replace("pin", with: Token.pin + "\n")
                        #expect(await Visitor.isServed(port: try await pair.rawPort()))
                    }
                }
            }
        }

        @Test(
            "a key of another certificate, and one that is not there, are told apart before anything is sent",
            .enabled(if: Token.isPossible, "\(needs)")
        )
        func mistakes() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.withFolder { folder in
                    let token = try await Token(in: folder)
                    var device = token.device
                    device.certificateFile = try await Tool.certificate(in: folder, key: Tool.key(in: folder, "other"))
                    try await Pair.with(device, in: folder, upstream, isOnline: false) { pair in
                        try await pair.daemon.logged("session down, retrying") { line in
                            line.facts["error"]?.contains("it does not belong to certificate file") == true
                        }
                    }
                    device = token.device
                    device.uri = token.uri(object: "nothing")
                    try await Pair.with(device, in: folder, upstream, isOnline: false) { pair in
                        try await pair.daemon.logged("session down, retrying") { line in
                            line.facts["error"]?.contains("there is no such private key") == true
                        }
                    }
                }
            }
        }

        @Test(
            "doctor has the device sign, and a check does not touch it",
            .enabled(if: Token.isPossible, "\(needs)")
        )
        func examinations() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.withFolder { folder in
                    let token = try await Token(in: folder)
                    try await Pair.with(token.device, in: folder, upstream) { pair in
                        let file = folder.path + "/rstreamd.yaml"
                        let program = try Binaries.path(of: "rstreamd")
                        let good = try await ProcessHandle.run(
                            program,
                            ["doctor", "--config", file],
                            environment: token.device.environment
                        )
                        #expect(good.output.joined().contains("the device has found the key and signed with it"))
                        // Where there is no token at all.
                        let tokens = try folder.makeFolder("no-tokens")
                        let settings = try folder.write("directories.tokendir = \(tokens)\n", to: "empty.conf")
                        let none = ["SOFTHSM2_CONF": settings]
                        let check = try await ProcessHandle.run(
                            program,
                            ["--config", file, "--check"],
                            environment: none
                        )
                        #expect(check.exit == .status(0), "\(check.output + check.errors)")
                        let doctor = try await ProcessHandle.run(
                            program,
                            ["doctor", "--config", file],
                            environment: none
                        )
                        #expect(doctor.output.joined().contains("there is no such private key"), "\(doctor.output)")
                        #expect(pair.daemon.process.isRunning)
                    }
                }
            }
        }

        @Test(
            "a key in a TPM stands for a key file, by its handle and in a file, with a password and without",
            .enabled(if: Binaries.mustBeComplete || TPM.isPossible, "\(needs)")
        )
        func tpm() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.withFolder { folder in
                    try await TPM.with(in: folder) { tpm in
                        let devices = [
                            try await tpm.handle(), try await tpm.handle(password: "s3cret"), try await tpm.file(),
                        ]
                        for device in devices {
                            try await Pair.with(device, in: folder, upstream) { pair in
                                let port = try await pair.rawPort()
                                #expect(await Visitor.isServed(port: port), "\(device.uri)")
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Where a daemon finds a key, and with which variables.
private struct Device: Sendable {
    var certificateFile: String
    var uri: String
    var pinFile: String?
    var environment: [String: String]

    /// The keys of a section that names the certificate.
    var keys: String {
        "certificateFile: \(certificateFile), keyUri: '\(uri)'" + (pinFile.map { ", keyPinFile: \($0)" } ?? "")
    }
}

extension Pair {
    /// An engine that knows the device's certificate, and a daemon with the tunnel `raw`; whether it gets online.
    fileprivate static func with(
        _ device: Device,
        in folder: ProcessFolder,
        _ upstream: Upstream,
        isOnline: Bool = true,
        _ body: (Pair) async throws -> Void
    ) async throws {
        try await withEngine(in: folder, ["--registered-certificate", device.certificateFile]) { engine in
            let configuration = configuration(
                port: engine.port,
                caFile: engine.caFile,
                tunnels: Pair.raw(upstream)
            ).split(separator: "\n", omittingEmptySubsequences: false).map { line in
                line.hasPrefix("    token: ") ? "    mtls: { \(device.keys) }" : line
            }.joined(separator: "\n")
            try await withDaemon(in: folder, configuration: configuration, environment: device.environment) { daemon in
                let pair = Pair(folder: folder, engine: engine, daemon: daemon)
                if isOnline { _ = try await pair.rawPort() }
                try await body(pair)
            }
        }
    }

    /// An engine, and a daemon with these tunnels and variables.
    fileprivate static func with(
        tunnels: String,
        in folder: ProcessFolder,
        _ environment: [String: String],
        _ body: (Pair) async throws -> Void
    ) async throws {
        try await withEngine(in: folder) { engine in
            let configuration = configuration(port: engine.port, caFile: engine.caFile, tunnels: tunnels)
            try await withDaemon(in: folder, configuration: configuration, environment: environment) { daemon in
                try await body(Pair(folder: folder, engine: engine, daemon: daemon))
            }
        }
    }
}

/// Programs that make keys and certificates.
private enum Tool {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static func isThere(_ path: String) -> Bool { FileManager.default.isExecutableFile(atPath: path) }

    static func hasProvider(_ name: String) -> Bool {
        ["x86_64", "aarch64"].contains { machine in
            FileManager.default.fileExists(atPath: "/usr/lib/\(machine)-linux-gnu/ossl-modules/\(name).so")
        }
    }

    static func run(_ program: String, _ arguments: [String], _ environment: [String: String] = [:]) async throws {
        let result = try await ProcessHandle.run("/usr/bin/\(program)", arguments, environment: environment)
        guard result.exit == .status(0) else {
            throw Failure(description: "\(program) \(arguments): \(result.output + result.errors)")
        }
    }

    /// An ordinary key in a PEM file.
    static func key(in folder: ProcessFolder, _ name: String) async throws -> String {
        let file = "\(folder.path)/\(name).key"
        try await run("openssl", ["genpkey", "-algorithm", "EC", "-pkeyopt", "group:P-256", "-out", file])
        return file
    }

    /// A certificate that a key signs for itself.
    static func certificate(
        in folder: ProcessFolder,
        key: String,
        _ arguments: [String] = [],
        _ environment: [String: String] = [:]
    ) async throws -> String {
        let name = String(UInt32.random(in: .min ... .max), radix: 16)
        let file = "\(folder.path)/certificate-\(name).pem"
        let fixed = ["req", "-x509", "-new", "-sha256", "-days", "30", "-subj", "/CN=agent", "-key", key, "-out", file]
        try await run("openssl", fixed + arguments, environment)
        return file
    }
}

/// `openssl s_server`, which demands the certificate of one client, and sends lines back in reverse.
private struct DemandingService {
    private static let name = "service.example"

    private let port: Int
    private let certificateFile: String

    static func with(
        in folder: ProcessFolder,
        client: String,
        _ body: (DemandingService) async throws -> Void
    ) async throws {
        let key = try await Tool.key(in: folder, "service")
        let names = ["-addext", "subjectAltName=DNS:\(name)"]
        let certificate = try await Tool.certificate(in: folder, key: key, names)
        let process = try await ProcessHandle.start(
            "/usr/bin/openssl",
            [
                "s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key, "-CAfile", client,
                "-Verify", "1", "-verify_return_error", "-rev",
            ]
        )
        do {
            let line = try await process.output.first { $0.hasPrefix("ACCEPT ") }.line
            let port = try #require(line.split(separator: ":").last.flatMap { Int($0) })
            try await body(DemandingService(port: port, certificateFile: certificate))
            await process.kill()
        } catch {
            await process.kill()
            throw error
        }
    }

    /// The keys of a tunnel to the service that shows it a certificate, or none.
    func tunnel(_ device: Device?) -> String {
        let shown = device.map { ", \($0.keys)" } ?? ""
        let tls = "serverName: \(Self.name), caFile: \(certificateFile)\(shown)"
        return "forward: \"127.0.0.1:\(port)\", upstream: { tls: { \(tls) } }, tunnel: { protocol: tcp }"
    }
}

/// A token of SoftHSM, which keeps it in the folder.
private struct Token {
    static let pin = "471147"
    private static let module = "/usr/lib/softhsm/libsofthsm2.so"

    let device: Device

    /// Debian 12 has no pkcs11-provider.
    static var isPossible: Bool {
        let release = try? String(contentsOfFile: "/etc/os-release", encoding: .utf8)
        if Binaries.mustBeComplete { return release?.contains("VERSION_ID=\"12\"") != true }
        return Tool.isThere("/usr/bin/softhsm2-util") && Tool.isThere("/usr/bin/openssl") && Tool.hasProvider("pkcs11")
    }

    init(in folder: ProcessFolder) async throws {
        let tokens = try folder.makeFolder("tokens")
        let settings = try folder.write(
            "directories.tokendir = \(tokens)\nobjectstore.backend = file\n",
            to: "softhsm.conf"
        )
        let environment = ["SOFTHSM2_CONF": settings]
        let key = try await Tool.key(in: folder, "agent")
        try await Tool.run(
            "softhsm2-util",
            ["--init-token", "--free", "--label", "rstreamd-test", "--so-pin", "12345678", "--pin", Self.pin],
            environment
        )
        try await Tool.run(
            "softhsm2-util",
            ["--import", key, "--token", "rstreamd-test", "--label", "agent", "--id", "01", "--pin", Self.pin],
            environment
        )
        device = Device(
            certificateFile: try await Tool.certificate(in: folder, key: key),
            uri: Self.uri(object: "agent"),
            pinFile: try folder.write(Self.pin + "\n", to: "pin"),
            environment: environment
        )
        try folder.remove("agent.key")
    }

    func uri(object: String) -> String { Self.uri(object: object) }

    private static func uri(object: String) -> String {
        "pkcs11:token=rstreamd-test;object=\(object)?module-path=\(module)"
    }
}

/// A TPM of swtpm, on two ports of this host.
private struct TPM {
    let folder: ProcessFolder
    private let environment: [String: String]

    static var isPossible: Bool {
        Tool.isThere("/usr/bin/swtpm") && Tool.isThere("/usr/bin/tpm2_createprimary")
            && Tool.isThere("/usr/bin/openssl")
            && Tool.hasProvider("tpm2")
    }

    /// Something else listens at one of the ports.
    private struct PortTaken: Error {}

    static func with(in folder: ProcessFolder, _ body: (TPM) async throws -> Void) async throws {
        for _ in 0..<5 {
            do {
                return try await onSomePort(in: folder, body)
            } catch is PortTaken {
                continue
            }
        }
        throw PortTaken()
    }

    private static func onSomePort(in folder: ProcessFolder, _ body: (TPM) async throws -> Void) async throws {
        let state = try folder.makeFolder("tpm")
        // Clients expect the second port, for control, behind the first one.
        let port = 2 * Int.random(in: 5_000..<15_000)
        let process = try await ProcessHandle.start(
            "/usr/bin/swtpm",
            [
                "socket", "--tpm2", "--tpmstate", "dir=\(state)", "--server", "type=tcp,port=\(port)", "--ctrl",
                "type=tcp,port=\(port + 1)", "--flags", "not-need-init,startup-clear",
            ]
        )
        do {
            let place = "swtpm:port=\(port)"
            let environment = ["TPM2TOOLS_TCTI": place, "TPM2OPENSSL_TCTI": place, "TSS2_LOG": "all+NONE"]
            let tpm = TPM(folder: folder, environment: environment)
            try await tpm.begin(process)
            try await body(tpm)
            await process.kill()
        } catch {
            await process.kill()
            throw error
        }
    }

    /// Makes the key that others are kept under, as soon as the TPM answers.
    private func begin(_ process: ProcessHandle) async throws {
        let deadline = ContinuousClock.now + testTimeout
        while true {
            do {
                return try await run("tpm2_createprimary", ["-C", "o", "-G", "ecc", "-c", path("primary")])
            } catch {
                guard process.isRunning else { throw PortTaken() }
                guard ContinuousClock.now < deadline else { throw error }
            }
        }
    }

    private func path(_ name: String) -> String { "\(folder.path)/tpm-\(name)" }

    /// Without transient objects of an earlier command, of which a TPM has room for three.
    private func run(_ program: String, _ arguments: [String]) async throws {
        try await Tool.run(program, arguments, environment)
        try await Tool.run("tpm2_flushcontext", ["-t"], environment)
    }

    /// A key under a handle of its own.
    func handle(password: String? = nil) async throws -> Device {
        let handle = password == nil ? "0x81000001" : "0x81000002"
        let kind = ["-a", "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign", "-G", "ecc256"]
        let secret = password.map { ["-p", $0] } ?? []
        let files = ["-u", path("public"), "-r", path("private")]
        try await run("tpm2_create", ["-C", path("primary")] + kind + secret + files)
        try await run("tpm2_load", ["-C", path("primary"), "-c", path("key")] + files)
        try await run("tpm2_evictcontrol", ["-C", "o", "-c", path("key"), handle])
        let pinFile = try password.map { try folder.write($0 + "\n", to: "tpm-password") }
        let key = "handle:\(handle)" + (password == nil ? "" : "?pass")
        return Device(
            certificateFile: try await certificate(key, pinFile.map { ["-passin", "file:\($0)"] } ?? []),
            uri: "handle:\(handle)",
            pinFile: pinFile,
            environment: environment
        )
    }

    /// A key in a file.
    func file() async throws -> Device {
        let file = path("key.pem")
        let providers = ["-provider", "tpm2", "-provider", "default"]
        let kind = ["-algorithm", "EC", "-pkeyopt", "group:P-256"]
        try await run("openssl", ["genpkey"] + providers + kind + ["-out", file])
        chmod(file, 0o600)
        return Device(
            certificateFile: try await certificate(file),
            uri: "file:\(file)",
            pinFile: nil,
            environment: environment
        )
    }

    /// A certificate of the key, signed by another one: the provider names the algorithm of its own signatures in a way
    /// that RFC 5758 does not allow.
    private func certificate(_ key: String, _ arguments: [String] = []) async throws -> String {
        let name = String(UInt32.random(in: .min ... .max), radix: 16)
        let (file, publicKey) = (path("\(name).pem"), path("\(name).public.pem"))
        let providers = ["-provider", "tpm2", "-provider", "default"]
        try await run("openssl", ["pkey", "-in", key, "-pubout", "-out", publicKey] + providers + arguments)
        let authority = try await Tool.key(in: folder, "authority")
        let fixed = ["x509", "-new", "-sha256", "-days", "30", "-subj", "/CN=agent", "-force_pubkey", publicKey]
        try await Tool.run("openssl", fixed + ["-key", authority, "-out", file])
        return file
    }
}
