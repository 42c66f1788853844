// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import NIOCore

/// A running `rstream-dev-engine`, and what only this engine can be asked.
package final class ProcessEngine: Sendable {
    package static let token = "integration-test-token"

    package let process: ProcessHandle
    package let port: Int
    package let caFile: String
    package let https: ProcessHTTPS

    private init(_ process: ProcessHandle, port: Int, caFile: String) throws {
        self.process = process
        self.port = port
        self.caFile = caFile
        https = try ProcessHTTPS(port: port, caFile: caFile)
    }

    /// Starts an engine and returns when it serves. One in another network cannot be asked anything from here.
    package static func start(
        in folder: ProcessFolder,
        _ arguments: [String] = [],
        listen host: String = "127.0.0.1",
        port: Int = 0,
        namespace: String? = nil
    ) async throws -> ProcessEngine {
        let state = try folder.makeFolder("engine")
        let process = try await ProcessHandle.start(
            try Binaries.path(of: "rstream-dev-engine"),
            ["--listen", "\(host):\(port)", "--state", state, "--token", token] + arguments,
            namespace: namespace
        )
        do {
            let line = try await process.output.first { $0.hasPrefix("{") }.line
            let announcement = try JSONDecoder().decode(Announcement.self, from: Data(line.utf8))
            let port = announcement.engine.split(separator: ":").last.flatMap { Int($0) }
            return try ProcessEngine(process, port: port ?? 0, caFile: announcement.ca)
        } catch {
            let said = process.errors.all.joined(separator: "\n")
            await process.kill()
            throw ProcessLines.NotSeen(description: "the engine did not start: \(error)\n\(said)")
        }
    }

    private struct Announcement: Decodable {
        let engine: String
        let ca: String
    }

    // MARK: What it can be asked

    /// The engine's counters and the last messages it got.
    package struct Statistics: Decodable, Sendable {
        package struct Message: Decodable, Sendable {
            package let kind: String
            package let errorCode: Int?
            package let errorMessage: String?
        }

        package let clients: Int
        package let tunnels: Int
        package let relays: Int
        package let connections: Int
        package let waitingStreams: Int
        package let relaysTotal: Int
        package let controlConnectsTotal: Int
        package let heartbeatsTotal: Int
        package let messages: [Message]
    }

    /// A tunnel as the engine's API lists it.
    package struct Tunnel: Decodable, Sendable {
        package let id: String
        package let name: String?
        package let status: String
        package let hostname: String?
        package let port: Int?
    }

    /// The engine answered with something else than 200.
    package struct Refused: Error, CustomStringConvertible {
        package let description: String
    }

    private func call(_ method: String, _ path: String, body: String = "") async throws -> Data {
        let answer = try await https.request(method, path, token: Self.token, body: body)
        let text = String(buffer: answer.body)
        guard answer.status == 200 else { throw Refused(description: "\(method) \(path): \(answer.status) \(text)") }
        return Data(text.utf8)
    }

    package func statistics() async throws -> Statistics {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Statistics.self, from: try await call("GET", "/api/dev/stats"))
    }

    package func tunnels() async throws -> [Tunnel] {
        try JSONDecoder().decode([Tunnel].self, from: try await call("GET", "/api/tunnels"))
    }

    /// Replaces the active faults.
    package func setFaults(_ faults: [String]) async throws {
        let body = String(decoding: try JSONEncoder().encode(faults), as: UTF8.self)
        _ = try await call("PUT", "/api/dev/faults", body: body)
    }

    package func dropControlChannels() async throws {
        _ = try await call("POST", "/api/dev/drop-control-channels")
    }

    package func closeTunnels() async throws {
        _ = try await call("POST", "/api/dev/close-tunnels")
    }

    /// Returns when the statistics are as wanted; asks again until then.
    @discardableResult
    package func wait(
        within timeout: Duration = testTimeout,
        until isMet: (Statistics) -> Bool
    ) async throws -> Statistics {
        let deadline = ContinuousClock.now + timeout
        while true {
            let now = try await statistics()
            if isMet(now) { return now }
            guard ContinuousClock.now < deadline else {
                throw ProcessLines.NotSeen(description: "the engine's statistics did not become as wanted: \(now)")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Returns the open tunnel of that name as soon as there is one.
    package func tunnel(_ name: String, within timeout: Duration = testTimeout) async throws -> Tunnel {
        let deadline = ContinuousClock.now + timeout
        while true {
            if let tunnel = try await tunnels().first(where: { $0.name == name }) { return tunnel }
            guard ContinuousClock.now < deadline else {
                throw ProcessLines.NotSeen(description: "tunnel \"\(name)\" did not open")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
