// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import RstreamTestSupport
import Testing

/// The services that visitors come to, and the tunnels to them.
struct VisitorSite {
    /// Where what comes to `web.t.localhost` and to the other names goes; each may be a line of `tunnels`.
    enum Place: String, CaseIterable {
        /// Every request is welcome.
        case web
        /// Requests need the engine's token.
        case locked
        /// Visitors need TLS 1.3.
        case modern

        var hostname: String { "\(rawValue).t.localhost" }

        fileprivate func line(port: Int) -> String {
            let terms =
                switch self {
                case .web: ""
                case .locked: ", http: { auth: { token: true } }"
                case .modern: ", tls: { minVersion: tls1.3 }"
                }
            return VisitorSite.tunnel(rawValue, to: "127.0.0.1:\(port)", terms)
        }
    }

    /// A line of `tunnels`: a published one with the hostname `NAME.t.localhost`.
    static func tunnel(_ name: String, to forward: String, _ terms: String = "") -> String {
        let properties = "publish: true, protocol: http, host: \(name).t.localhost\(terms)"
        return "  - { name: \(name), forward: \"\(forward)\", tunnel: { \(properties) } }"
    }

    /// Runs a body where every place leads to `web_service.py`.
    static func with(_ body: (Pair) async throws -> Void) async throws {
        try await Judge.server("web_service.py") { port in
            try await with(tunnels: Place.allCases.map { ($0.rawValue, $0.line(port: port)) }, body)
        }
    }

    /// Runs a body where these tunnels are open; the first of each is its name.
    static func with(tunnels: [(name: String, line: String)], _ body: (Pair) async throws -> Void) async throws {
        try await Pair.with(tunnels: tunnels.map(\.line).joined(separator: "\n")) { pair in
            for tunnel in tunnels { _ = try await pair.engine.tunnel(tunnel.name) }
            try await body(pair)
        }
    }
}

/// A program that Debian packages and that tests run as it is.
enum DebianProgram: String {
    case h2load = "/usr/bin/h2load"
    case haproxy = "/usr/sbin/haproxy"
    case nginx = "/usr/sbin/nginx"
    case openssl = "/usr/bin/openssl"

    /// Its path, if it is there.
    var path: String {
        get throws {
            guard access(rawValue, X_OK) == 0 else {
                throw Broken("\(rawValue) is not there; packaging/dependencies installs it")
            }
            return rawValue
        }
    }

    /// Runs a body next to the program, which serves at a Unix socket as soon as one can connect to it, and ends it.
    func serving(at socket: String, _ arguments: [String], _ body: () async throws -> Void) async throws {
        let process = try await ProcessHandle.start(try path, arguments)
        do {
            let address = try SocketAddress(unixDomainSocketPath: socket)
            try await within("\(rawValue) at its socket") {
                while true {
                    guard process.isRunning else { throw Broken("\(rawValue) has ended") }
                    if let connection = try? await TestConnection.connect(to: address) {
                        return await connection.close()
                    }
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
            try await body()
            #expect(process.isRunning, "\(process.errors.all)")
            await process.kill()
        } catch {
            print("\(rawValue) said:", process.errors.all.suffix(15).joined(separator: "\n"))
            await process.kill()
            throw error
        }
    }

    /// The arguments for an nginx in one process that serves this.
    static func nginx(in folder: ProcessFolder, _ name: String, http: String) throws -> [String] {
        let configuration = try folder.write(
            """
            daemon off;
            master_process off;
            pid \(name).pid;
            error_log stderr;
            events { }
            http {
                access_log off;
                client_body_temp_path \(name)-1;
                proxy_temp_path \(name)-2;
                fastcgi_temp_path \(name)-3;
                uwsgi_temp_path \(name)-4;
                scgi_temp_path \(name)-5;
            \(http)
            }

            """,
            to: "\(name).conf"
        )
        return ["-p", folder.path, "-c", configuration]
    }

    /// The arguments for a HAProxy that hands what comes to a socket to one server, over connections that it keeps.
    static func haproxy(in folder: ProcessFolder, at socket: String, backend: String) throws -> [String] {
        let configuration = try folder.write(
            """
            global
                nbthread 1
                maxconn 100
            defaults
                mode http
                http-reuse always
                timeout client 90s
                timeout connect 90s
                timeout server 90s
            frontend visitors
                bind unix@\(socket)
                default_backend edge
            backend edge
            \(backend)

            """,
            to: "haproxy.cfg"
        )
        return ["-db", "-f", configuration]
    }
}
