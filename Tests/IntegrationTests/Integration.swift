// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import RstreamTestSupport
import Testing

/// The real binaries on real sockets: everything a visitor, an operator and the official SDK can see from outside.
///
/// One test after another, because several of them measure. What they share is here: an engine, a daemon with its
/// tunnels, and the certainty that both are gone afterwards.
@Suite(.serialized)
enum Integration {}

/// An engine and a daemon whose tunnels are open at it.
struct Pair {
    let folder: ProcessFolder
    let engine: ProcessEngine
    let daemon: ProcessDaemon

    /// Settings of a daemon that reconnects quickly, so that no test waits.
    static let quick = "reconnect: { minimum: 20ms, maximum: 100ms, rejected: 200ms }\ndrain: { timeout: 10s }"

    /// The whole `rstreamd.yaml` for one engine; `tunnels` are the lines below that key.
    static func configuration(
        port: Int,
        caFile: String,
        tunnels: String,
        settings: String = quick,
        token: String = ProcessEngine.token
    ) -> String {
        """
        version: 1
        context: main
        contexts:
          main:
            engine: localhost:\(port)
            token: \(token)
            transport: { tls: { caFile: \(caFile) } }
        \(settings)
        tunnels:
        \(tunnels)

        """
    }

    /// One `tcp` tunnel with the name `raw`.
    static func raw(_ upstream: Upstream) -> String {
        "  - { name: raw, forward: \"\(upstream.forward)\", tunnel: { protocol: tcp } }"
    }

    /// The published port of the `tcp` tunnel with the name `raw`, as the daemon logged it last, once it did.
    func rawPort(from mark: Int = 0) async throws -> Int {
        let isRaw = { @Sendable (line: ProcessDaemon.LogLine) in line.facts["tunnel"] == "raw" }
        try await daemon.logged("tunnel online", from: mark, where: isRaw)
        let line = daemon.log.last { $0.message.hasPrefix("tunnel online") && isRaw($0) }
        // localhost:41234 (tcp)
        let port = line?.facts["address"]?.split(separator: " ").first?.split(separator: ":").last
        return try #require(port.flatMap { Int($0) })
    }

    /// Runs a body with a folder, and removes it.
    static func withFolder<Result>(_ body: (ProcessFolder) async throws -> Result) async throws -> Result {
        ProcessFacts.raiseDescriptorLimit()
        let folder = try ProcessFolder()
        defer { folder.remove() }
        return try await body(folder)
    }

    /// Runs a body with an engine, and ends it.
    static func withEngine<Result>(
        in folder: ProcessFolder,
        _ arguments: [String] = [],
        listen host: String = "127.0.0.1",
        port: Int = 0,
        namespace: String? = nil,
        _ body: (ProcessEngine) async throws -> Result
    ) async throws -> Result {
        let engine = try await ProcessEngine.start(
            in: folder,
            arguments,
            listen: host,
            port: port,
            namespace: namespace
        )
        do {
            let result = try await body(engine)
            #expect(engine.process.isRunning, "the engine has ended: \(engine.process.errors.all.suffix(5))")
            await engine.process.kill()
            return result
        } catch {
            await engine.process.kill()
            throw error
        }
    }

    /// Runs a body with a daemon, and stops it, which must go well.
    static func withDaemon<Result>(
        in folder: ProcessFolder,
        configuration: String,
        _ arguments: [String] = [],
        environment: [String: String] = [:],
        namespace: String? = nil,
        _ body: (ProcessDaemon) async throws -> Result
    ) async throws -> Result {
        let daemon = try await ProcessDaemon.start(
            in: folder,
            configuration: configuration,
            arguments,
            environment: environment,
            namespace: namespace
        )
        do {
            let result = try await body(daemon)
            if daemon.process.isRunning {
                let exit = try await daemon.process.terminate()
                #expect(exit == .status(0), "the daemon stops with 0")
            }
            return result
        } catch {
            print("the daemon's last lines:", daemon.process.errors.all.suffix(20).joined(separator: "\n"))
            await daemon.process.kill()
            throw error
        }
    }

    /// Runs a body with an engine and a daemon that has these tunnels.
    static func with<Result>(
        engine arguments: [String] = [],
        tunnels: String,
        settings: String = quick,
        logLevel: String = "info",
        _ body: (Pair) async throws -> Result
    ) async throws -> Result {
        try await withFolder { folder in
            try await withEngine(in: folder, arguments) { engine in
                let configuration = configuration(
                    port: engine.port,
                    caFile: engine.caFile,
                    tunnels: tunnels,
                    settings: settings
                )
                return try await withDaemon(in: folder, configuration: configuration, ["--log-level", logLevel]) {
                    try await body(Pair(folder: folder, engine: engine, daemon: $0))
                }
            }
        }
    }
}

extension ProcessDaemon {
    /// What a daemon that logs at `debug` does again and again.
    enum Attempt: String {
        case connect = "connecting"
        case tunnel = "opening tunnel"
    }

    /// How often it was done from `mark` on.
    func count(of attempt: Attempt, from mark: Int) -> Int {
        process.errors.all.dropFirst(mark).count { LogLine($0)?.message == attempt.rawValue }
    }

    /// Waits until it was done three times more.
    func waitForAttempts(_ attempt: Attempt, from mark: Int = 0) async throws {
        var index = mark
        for _ in 0..<3 {
            index =
                try await process.errors.first(from: index, within: .seconds(60)) {
                    LogLine($0)?.message == attempt.rawValue
                }.index + 1
        }
    }
}
