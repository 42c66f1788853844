// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamTestSupport
import Testing

/// Programs in Python that judge the daemon and the engine from outside, most of them with the official SDK.
struct Judge {
    let engine: ProcessEngine

    static let folder = Binaries.packageRoot + "/Tests/IntegrationTests/Judges"

    private var environment: [String: String] {
        [
            "JUDGE_ENGINE": "localhost:\(engine.port)", "JUDGE_TOKEN": ProcessEngine.token,
            "JUDGE_CA": engine.caFile, "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nonexistent",
        ]
    }

    /// Runs a judge to its end, which must be a happy one.
    func run(_ script: String, _ arguments: String...) async throws {
        let process = try await start(script, arguments)
        do {
            let exit = try await process.end(within: .seconds(300))
            #expect(exit == .status(0), "\(script) \(arguments): \(process.errors.all.joined(separator: "\n"))")
            #expect(process.output.all.last == "ok")
        } catch {
            await process.kill()
            throw error
        }
    }

    /// Starts a judge that lasts.
    func start(_ script: String, _ arguments: [String] = []) async throws -> ProcessHandle {
        try await ProcessHandle.start(
            try Binaries.python(),
            ["\(Self.folder)/\(script)"] + arguments,
            environment: environment
        )
    }

    /// Runs a body next to a judge that prints a first line once it is ready, and ends it.
    func during<Result>(
        _ script: String,
        _ arguments: [String] = [],
        _ body: (String, ProcessHandle) async throws -> Result
    ) async throws -> Result {
        let process = try await start(script, arguments)
        do {
            let line = try await process.output.first { _ in true }.line
            let result = try await body(line, process)
            await process.kill()
            return result
        } catch {
            print("\(script) said:", process.errors.all.suffix(15).joined(separator: "\n"))
            await process.kill()
            throw error
        }
    }

    /// Runs a Python server that prints its port, next to a body.
    static func server<Result>(
        _ script: String,
        namespace: String? = nil,
        _ body: (Int) async throws -> Result
    ) async throws -> Result {
        let process = try await ProcessHandle.start(
            try Binaries.python(),
            ["\(folder)/\(script)"],
            environment: ["PYTHONDONTWRITEBYTECODE": "1"],
            namespace: namespace
        )
        do {
            let port = try #require(Int(try await process.output.first { _ in true }.line))
            let result = try await body(port)
            await process.kill()
            return result
        } catch {
            print("\(script) said:", process.errors.all.suffix(15).joined(separator: "\n"))
            await process.kill()
            throw error
        }
    }
}

/// curl, aimed at a published name of an engine on this host.
struct Curl {
    let engine: ProcessEngine

    /// Returns what it printed; it must succeed.
    @discardableResult
    func run(_ host: String, path: String = "/", _ arguments: [String] = []) async throws -> String {
        let url = "https://\(host):\(engine.port)\(path)"
        let fixed = [
            "--silent", "--show-error", "--fail", "--noproxy", "*", "--max-time", "45", "--cacert", engine.caFile,
            "--resolve", "\(host):\(engine.port):127.0.0.1",
        ]
        let result = try await ProcessHandle.run("/usr/bin/curl", fixed + arguments + [url])
        #expect(result.exit == .status(0), "\(result.errors)")
        return result.output.joined(separator: "\n")
    }

    /// What becomes of requests that may end in any way, each with its own arguments, and its URL without a port. They share
    /// connections where they can.
    func visit(
        _ requests: [[String]]
    ) async throws -> (exit: ProcessHandle.Exit, output: String, errors: [String]) {
        let fixed = [
            "--silent", "--show-error", "--noproxy", "*", "--max-time", "45", "--cacert", engine.caFile,
            "--connect-to", "::127.0.0.1:\(engine.port)",
        ]
        let arguments = Array(requests.map { fixed + $0 }.joined(separator: ["--next"]))
        let result = try await ProcessHandle.run("/usr/bin/curl", arguments, within: .seconds(300))
        return (result.exit, result.output.joined(separator: "\n"), result.errors)
    }
}
