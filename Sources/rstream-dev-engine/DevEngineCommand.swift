// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import ArgumentParser
import DevEngine
import Dispatch
import FoundationEssentials
import Glibc
import Logging
import NIOCore
import RstreamModel

/// `rstream-dev-engine`: parses the command line, starts the engine of the `DevEngine` library, prints its address in one
/// line of JSON, and serves until SIGTERM or SIGINT.
struct DevEngineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rstream-dev-engine",
        abstract: "A local rstream engine for tests.",
        discussion: """
            Prints one line of JSON with its address and the CA certificate to trust, then serves until SIGTERM.

            Faults (--fault NAME[=VALUE][*COUNT], injected COUNT times or always):
            \(FaultName.help)
            """
    )

    @Option(help: "Address and port to listen on, like 127.0.0.1:8443; port 0 selects a free one.")
    var listen = ListenAddress(host: "127.0.0.1", port: 0)

    @Option(help: "Folder of the certificate authority and of a generated token; no other user may write to it.")
    var state: String?

    @Option(help: "Name of the engine; published names end in .t.<host>.")
    var host = "localhost"

    @Option(help: "The token that clients need. Without --token, --jwt-secret and --no-auth, one is generated.")
    var token: String?

    @Option(help: "File with the secret of HS256 tokens.")
    var jwtSecret: String?

    @Flag(help: "Require no authentication.")
    var noAuth = false

    @Option(help: "Liveness timeout to grant, like 15s or 1500ms.")
    var livenessTimeout: String?

    @Flag(help: "Behave like an engine without liveness.")
    var legacy = false

    @Option(help: "PEM file of a client certificate that is accepted instead of a token; may be repeated.")
    var registeredCertificate: [String] = []

    @Option(help: "How many connections of every kind there may be at once.")
    var maxConnections = DevEngineConfiguration.Capacity().connections

    @Option(help: "How many tunnels one agent may have.")
    var maxTunnels = DevEngineConfiguration.Capacity().tunnelsPerClient

    @Option(help: "A fault to inject, see above; may be repeated.", transform: { try Fault($0) })
    var fault: [Fault] = []

    func validate() throws {
        _ = try authentication(readingFiles: false)
        _ = try timeout()
        if legacy, livenessTimeout != nil {
            throw ValidationError("--legacy and --liveness-timeout exclude each other")
        }
        guard maxConnections > 0 else { throw ValidationError("--max-connections must be at least 1") }
        guard maxTunnels > 0 else { throw ValidationError("--max-tunnels must be at least 1") }
        guard Hostname.isValid(host) else { throw ValidationError("--host is not a DNS name") }
    }

    func run() async throws {
        var configuration = DevEngineConfiguration()
        configuration.listenHost = listen.host
        configuration.listenPort = listen.port
        configuration.host = host.lowercased()
        configuration.stateDirectory = state
        configuration.authentication = try authentication(readingFiles: true)
        if let timeout = try timeout() { configuration.livenessTimeout = timeout }
        configuration.isLegacy = legacy
        configuration.registeredCertificates = registeredCertificate
        configuration.capacity.connections = maxConnections
        configuration.capacity.tunnelsPerClient = maxTunnels
        configuration.faults = fault

        let (signals, received) = AsyncStream.makeStream(of: Void.self)
        let sources = stopSignals(received)
        defer { for source in sources { source.cancel() } }
        let logger = Logger(label: "rstream-dev-engine") {
            PrintableLogHandler(StreamLogHandler.standardError(label: $0))
        }
        let engine = try await DevEngine.start(configuration, logger: logger)
        try announce(engine)
        for await _ in signals { break }
        await engine.shutdown()
    }

    private func announce(_ engine: DevEngine) throws {
        let announcement = Announcement(
            engine: engine.address.description,
            ca: engine.caPath,
            redirect: engine.redirectAddress.description,
            tokenFile: engine.tokenPath
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(announcement), as: UTF8.self))
        // Standard output to a pipe is not flushed automatically.
        fflush(nil)
    }

    private struct Announcement: Encodable {
        let engine: String
        let ca: String
        let redirect: String
        let tokenFile: String?
    }
}

// MARK: - Options

extension DevEngineCommand {
    /// Nil without any of the three options.
    private func authentication(readingFiles: Bool) throws -> Authentication? {
        let given = [token != nil, jwtSecret != nil, noAuth].count { $0 }
        guard given <= 1 else { throw ValidationError("--token, --jwt-secret and --no-auth exclude each other") }
        if noAuth { return Authentication.none }
        if let token {
            guard !Secret(token).isBlank else { throw ValidationError("--token is empty") }
            return .token(Secret(token))
        }
        guard let jwtSecret, readingFiles else { return nil }
        // Bytes, not a string: two secrets that are not UTF-8 could become the same string.
        let secret = try StartFailure.contents(of: jwtSecret, for: .jwtSecret).withoutSpaceAround
        guard !secret.isEmpty else { throw StartFailure(.jwtSecret, jwtSecret, "the file is empty") }
        return .jwt(secret: secret)
    }

    private func timeout() throws -> TimeAmount? {
        guard let livenessTimeout else { return nil }
        let isMilliseconds = livenessTimeout.hasSuffix("ms")
        let digits = livenessTimeout.dropLast(isMilliseconds ? 2 : 1)
        guard isMilliseconds || livenessTimeout.hasSuffix("s"), let number = UInt32(digits), number > 0 else {
            throw ValidationError("--liveness-timeout must be a whole number from 1, followed by s or ms")
        }
        return isMilliseconds ? .milliseconds(Int64(number)) : .seconds(Int64(number))
    }
}

extension [UInt8] {
    /// The bytes without leading and trailing white space.
    fileprivate var withoutSpaceAround: [UInt8] {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        return Array(Array(drop(while: isSpace).reversed()).drop(while: isSpace).reversed())
    }
}

/// `HOST:PORT`, where port 0 is allowed and a host in brackets is IPv6.
struct ListenAddress: ExpressibleByArgument {
    let host: String
    let port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    init?(argument: String) {
        // The daemon's own listeners are written like that, too.
        guard case .tcp(let host, let port)? = try? RstreamModel.ListenAddress(argument) else { return nil }
        self.init(host: host, port: port)
    }

    var defaultValueDescription: String { "\(host):\(port)" }
}

/// Yields for each SIGTERM and SIGINT instead of ending the process, until the sources are cancelled.
private func stopSignals(_ received: AsyncStream<Void>.Continuation) -> [any DispatchSourceSignal] {
    [SIGTERM, SIGINT].map { number in
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { received.yield() }
        source.resume()
        return source
    }
}
