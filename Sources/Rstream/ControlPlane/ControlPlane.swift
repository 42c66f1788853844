internal import ClientConfiguration
internal import FoundationEssentials
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import RstreamCore
internal import RstreamModel

/// Asks a control plane where a project's engine is (CONFIG.md §9): one request, one connection, no redirects, and
/// an end in time whatever the other side does.
struct ControlPlane: Sendable {
    /// Who asks, as in other requests.
    let agent: ClientOptions.Agent
    let group: any EventLoopGroup
    /// From the first look-up of the name to the last byte.
    var timeout = Duration.seconds(15)
    /// Authorities that are trusted besides the system's.
    var additionalTrust: [NIOSSLCertificate] = []

    /// The answer did not come in time.
    private struct Late: Error {}

    /// The engine of a project; `token` must be good for reading the project.
    func engine(of project: ManagedProject, token: Secret?) async throws(RstreamError) -> ResolvedEngine {
        let url = try Self.url(of: project)
        let request = try head(project, url, token: token)
        let answer: ExchangeHandler.Answer
        do {
            answer = try await exchange(request, with: url)
        } catch {
            throw explain(error, project)
        }
        guard (200..<300).contains(answer.status.code) else { throw Self.refusal(answer, project) }
        return try ProjectDocument.engine(of: project, in: Data(answer.body.readableBytesView))
    }

    private static func url(of project: ManagedProject) throws(RstreamError) -> ControlPlaneURL {
        do throws(ControlPlaneURL.Malformed) {
            return try ControlPlaneURL(project.apiURL)
        } catch {
            throw unusable("API URL \"\(project.apiURL.withoutUser)\" \(error)")
        }
    }

    private func head(
        _ project: ManagedProject,
        _ url: ControlPlaneURL,
        token: Secret?
    ) throws(RstreamError) -> HTTPRequestHead {
        guard let token, !token.isBlank else {
            throw RstreamError(
                code: .authRequired,
                origin: .configuration,
                retry: .afterReload,
                what: "project \"\(project.endpoint)\" is looked up with a token, and there is none",
                fix: "use a token, or give the engine's address"
            )
        }
        let text = token.reveal().trimmed
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Self.unusable("the token has characters that no token has")
        }
        var headers: HTTPHeaders = [
            "Host": "\(url.address)", "Accept": "application/json", "Connection": "close",
            "User-Agent": "\(agent.name)/\(agent.version)",
        ]
        var mistakes: [SettingMistake] = []
        for (name, value) in ControlPlaneHeaders.checked(project.headers, mistakes: &mistakes) {
            headers.replaceOrAdd(name: name, value: value)
        }
        if let mistake = mistakes.first { throw Self.unusable(mistake.what) }
        headers.add(name: "Authorization", value: "Bearer \(text)")
        let path = "\(url.path)/api/projects/tunnels/resolve/\(Self.escaped(project.endpoint))"
        return HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: headers)
    }

    // MARK: The connection

    private func exchange(
        _ request: HTTPRequestHead,
        with url: ControlPlaneURL
    ) async throws -> ExchangeHandler.Answer {
        let eventLoop = group.next()
        let answer = eventLoop.makePromise(of: ExchangeHandler.Answer.self)
        let deadline = eventLoop.scheduleTask(in: TimeAmount(timeout)) { answer.fail(Late()) }
        let connecting = connect(to: url, on: eventLoop, request: request, answer: answer)
        connecting.whenFailure { answer.fail($0) }
        answer.futureResult.whenComplete { _ in
            deadline.cancel()
            connecting.whenSuccess { $0.close(promise: nil) }
        }
        return try await withTaskCancellationHandler {
            try await answer.futureResult.get()
        } onCancel: {
            answer.fail(CancellationError())
        }
    }

    private func connect(
        to url: ControlPlaneURL,
        on eventLoop: any EventLoop,
        request: HTTPRequestHead,
        answer: EventLoopPromise<ExchangeHandler.Answer>
    ) -> EventLoopFuture<any Channel> {
        let tls: NIOSSLContext?
        do {
            tls = url.isSecure ? try makeContext() : nil
        } catch {
            return eventLoop.makeFailedFuture(error)
        }
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(timeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        let name = url.address.isIPLiteral ? nil : url.address.host
                        let handler = try NIOSSLClientHandler(context: tls, serverHostname: name)
                        try pipeline.addHandler(handler)
                        if let name { try pipeline.addHandler(ServerNameHandler(name: name, tls: handler)) }
                    }
                    try pipeline.addHTTPClientHandlers(leftOverBytesStrategy: .dropBytes)
                    try pipeline.addHandler(ExchangeHandler(request, waitsForTLS: tls != nil, answer: answer))
                }
            }
        return bootstrap.connect(host: url.address.host, port: url.address.port)
    }

    private func makeContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        if !additionalTrust.isEmpty { configuration.additionalTrustRoots = [.certificates(additionalTrust)] }
        return try NIOSSLContext(configuration: configuration)
    }

    // MARK: Errors

    private func explain(_ error: any Error, _ project: ManagedProject) -> RstreamError {
        let subject = "control plane \(project.apiURL.withoutUser)"
        if error is CancellationError {
            return RstreamError(
                code: .clientClosed,
                origin: .host,
                retry: .never,
                what: "\(subject): the attempt was cancelled"
            )
        }
        let reason =
            switch error {
            case is Late: "no answer within \(timeout.secondsText)"
            case is ExchangeHandler.TooLong: "the answer is longer than \(ExchangeHandler.longest) bytes"
            case is HTTPParserError: "what answers does not speak HTTP"
            default: ConnectionPeer.controlPlane.explain(error).what
            }
        return RstreamError(
            code: .controlPlane,
            origin: .host,
            retry: .afterBackoff,
            what: "\(subject): \(reason)",
            fix: "check the API URL and this host's network"
        )
    }

    private static func refusal(_ answer: ExchangeHandler.Answer, _ project: ManagedProject) -> RstreamError {
        let (reason, fix): (String, String?) =
            switch answer.status.code {
            case 401: ("not authenticated", "check the token, or make a new one")
            case 403: ("not authorized", "use a token that may read the project")
            case 404: ("there is no project \"\(project.endpoint)\"", "check the projectEndpoint and the API URL")
            case 300..<400: ("it redirects to another place, which is not followed", "check the API URL")
            default: ("it answered \(answer.status.code)", nil)
            }
        let isPassing = answer.status.code >= 500 || [408, 429].contains(answer.status.code)
        return RstreamError(
            code: .controlPlane,
            origin: isPassing ? .engine : .configuration,
            retry: isPassing ? .afterBackoff : .afterReload,
            what: "control plane \(project.apiURL.withoutUser): \(reason)\(explanation(in: answer.body))",
            fix: fix
        )
    }

    /// What the control plane says itself, in one short line.
    private static func explanation(in body: ByteBuffer) -> String {
        struct Failure: Decodable {
            let error: String
        }
        guard let failure = try? JSONDecoder().decode(Failure.self, from: Data(body.readableBytesView)) else {
            return ""
        }
        let text = failure.error.unicodeScalars.filter { $0.properties.generalCategory != .control }.prefix(200)
        return text.isEmpty ? "" : ": " + String(String.UnicodeScalarView(text))
    }

    private static func unusable(_ what: String) -> RstreamError {
        RstreamError(code: .invalidConfig, origin: .configuration, retry: .afterReload, what: what)
    }

    /// A text as one component of a path (RFC 3986 §2.3).
    private static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "~"):
                String(UnicodeScalar(byte))
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }
}
