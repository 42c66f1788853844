// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#if ConfigurationFiles
internal import ClientConfiguration
internal import FoundationEssentials
public import Logging
public import NIOCore
public import NIOPosix
public import RstreamModel

extension RstreamClient {
    /// Makes a client as the official tools do: from their configuration file, their variables, and the arguments here,
    /// which take precedence. Nothing is dialed yet.
    ///
    /// The file is the one that `RSTREAM_CONFIG` names, otherwise `~/.rstream/config.yaml`; it need not exist.
    /// Available with the package's trait `ConfigurationFiles`, which is on by default.
    ///
    /// - Parameters:
    ///   - context: The context to use instead of `RSTREAM_CONTEXT` or the file's default.
    ///   - apiURL: Base URL of the control plane instead of `RSTREAM_API_URL` or the context's.
    ///   - engine: `host[:port]` instead of `RSTREAM_ENGINE` or the context's. A credential that is stored for a
    ///     context is refused for another engine.
    ///   - region: The region of a managed project instead of `RSTREAM_REGION` or the context's.
    ///   - token: A token instead of `RSTREAM_AUTHENTICATION_TOKEN` or a stored one.
    ///   - environment: The variables; those of this process unless given.
    ///   - eventLoopGroup: The event loops on which connections live; NIO's shared ones unless given.
    ///   - logger: Receives the client's messages; nothing is logged unless given.
    ///   - adjust: Changes options that the configuration does not have, timeouts for instance.
    /// - Returns: A client that is ready to connect.
    /// - Throws: ``RstreamError`` with the official tools' code for the first mistake, in one line that names its
    ///   place.
    public static func fromEnvironment(
        context: String? = nil,
        apiURL: String? = nil,
        engine: String? = nil,
        region: String? = nil,
        token: Secret? = nil,
        environment: [String: String] = RstreamClient.processEnvironment,
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        logger: Logger = Logger(label: "rstream", factory: { _ in SwiftLogNoOpLogHandler() }),
        adjust: (inout RstreamClientOptions) -> Void = { _ in }
    ) throws(RstreamError) -> RstreamClient {
        var overrides = ClientOverrides()
        overrides.context = context
        overrides.apiURL = apiURL
        overrides.engine = engine
        overrides.region = region
        overrides.token = token
        let path = configurationPath(environment)
        let bytes = if let path { try contents(of: path) } else { [UInt8]() }
        let resolved: ResolvedClient
        do throws(ClientConfigurationErrors) {
            let file = try ClientFile(reading: bytes, in: directory(of: path ?? ""))
            resolved = try ResolvedClient(file, overrides: overrides, environment: environment)
        } catch {
            throw error.first.error(in: path ?? "")
        }
        var options = RstreamClientOptions(resolved)
        adjust(&options)
        // A token that cannot work is refused here, not at the first connect.
        if case .token(let token) = options.credential { try options.check(token) }
        return RstreamClient(options, eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// The variables of this process.
    public static var processEnvironment: [String: String] { ProcessInfo.processInfo.environment }

    /// In bytes; larger than any configuration.
    private static let largestFile = 4 << 20

    /// Nil when `HOME` is not set either.
    private static func configurationPath(_ environment: [String: String]) -> String? {
        if let path = environment["RSTREAM_CONFIG"]?.trimmed, !path.isEmpty { return path }
        guard let home = environment["HOME"], !home.isEmpty else { return nil }
        return "\(home)/.rstream/config.yaml"
    }

    private static func contents(of path: String) throws(RstreamError) -> [UInt8] {
        do throws(FileContents.Failure) {
            return try FileContents(of: path, limit: largestFile).bytes
        } catch {
            if error.isMissing { return [] }
            throw RstreamError(
                code: .invalidConfig,
                origin: .host,
                retry: .afterReload,
                what: "client configuration \"\(path)\" cannot be read: \(error)"
            )
        }
    }

    /// The directory of a file, from which relative paths in it start.
    private static func directory(of path: String) -> String {
        path.lastIndex(ofByte: "/").map { String(path[...$0]) } ?? ""
    }
}

extension RstreamClientOptions {
    /// The options of a resolved configuration, with the official clients' defaults for everything else.
    fileprivate init(_ client: ResolvedClient) {
        self.init(engine: client.engine, credential: Credential(client.credential), transport: client.transport)
    }
}
#endif
