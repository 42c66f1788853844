// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel
import Testing

/// Proxies that other people wrote: tinyproxy for HTTP, microsocks for SOCKS5.
package enum ProcessProxy {
    package enum Kind: String, Sendable, CaseIterable {
        case http
        case socks5

        /// The way through one at a port of this host.
        package func route(_ port: Int) throws -> Proxy.Route {
            let address = try EngineAddress("127.0.0.1:\(port)")
            return switch self {
            case .http: .http(address)
            case .socks5: .socks5(address)
            }
        }
    }

    /// Runs a proxy on a free port until `body` returns. A port that was free may be taken when the proxy binds it;
    /// then it ends, and another one is tried.
    package static func with(
        _ kind: Kind,
        user: Proxy.Credentials? = nil,
        _ body: (Int) async throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            for attempt in 0..<5 {
                let port = try await TestServer.withDeadPort { $0 }
                let process = try await start(kind, port, user, in: folder)
                guard await isServing(process, port) else {
                    await process.kill()
                    #expect(attempt < 4, "\(kind) proxy: \(process.errors.all + process.output.all)")
                    continue
                }
                do {
                    try await body(port)
                    await process.kill()
                } catch {
                    await process.kill()
                    throw error
                }
                return
            }
        }
    }

    private static func start(
        _ kind: Kind,
        _ port: Int,
        _ user: Proxy.Credentials?,
        in folder: TemporaryFolder
    ) async throws -> ProcessHandle {
        switch kind {
        case .http:
            let login = user.map { "BasicAuth \($0.username) \($0.password.reveal())" } ?? ""
            let settings = "Port \(port)\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nLogLevel Info\n\(login)\n"
            let file = try folder.write(settings, to: "tinyproxy.conf")
            return try await ProcessHandle.start("/usr/bin/tinyproxy", ["-d", "-c", file])
        case .socks5:
            let login = user.map { ["-u", $0.username, "-P", $0.password.reveal()] } ?? []
            return try await ProcessHandle.start("/usr/bin/microsocks", ["-i", "127.0.0.1", "-p", "\(port)"] + login)
        }
    }

    /// Waits until the port accepts a connection, as long as the process lives.
    private static func isServing(_ process: ProcessHandle, _ port: Int) async -> Bool {
        for _ in 0..<500 where process.isRunning {
            if let visitor = try? await TestConnection.connect(toPort: port) {
                await visitor.close()
                return process.isRunning
            }
            // There is no event to wait for: neither of them says when it listens.
            try? await Task.sleep(for: .milliseconds(20))
        }
        return false
    }
}
