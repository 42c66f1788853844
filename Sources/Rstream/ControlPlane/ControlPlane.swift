// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ClientConfiguration
internal import GuardedJSON
internal import Linux
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import RstreamCore
internal import RstreamModel

/// Asks a control plane for the address of a project's engine (CONFIG.md §9), for ``EngineResolver``.
///
/// Each query is one HTTP request on its own connection. Redirects are not followed, and a timeout bounds the whole.
/// Immutable.
struct ControlPlane: Sendable {
    /// Name and version for the User-Agent header.
    let agent: RstreamClientOptions.AgentDetails
    let group: any EventLoopGroup
    /// The engine's transport options, which apply to the control plane too.
    var transport = TransportOptions()
    /// Resolve the names of the control plane and of a proxy.
    var names = EngineConnector.Names(engine: .host, proxy: .host)
    /// For the whole query, from the name lookup to the last byte.
    var timeout = Duration.seconds(15)
    /// Trust anchors besides the system's.
    var additionalTrust: [NIOSSLCertificate] = []

    /// The response did not arrive within ``timeout``.
    private struct ResponseTimeout: Error {}

    /// Finds the engine of a project. `token` must permit reading the project.
    func engine(of project: ManagedProject, token: Secret?) async throws(RstreamError) -> ResolvedEngine {
        let url = try Self.url(of: project)
        let token = try Self.usable(token, for: project)
        let request = try head(project, url)
        let answer: ExchangeHandler.Answer
        do {
            answer = try await exchange(request, token, with: url)
        } catch {
            throw explain(error, project)
        }
        // The control plane received these secrets, and its response may repeat them.
        let mask = SecretMask(SecretMask.secrets(inHeaders: project.headers) + [token.withBytes { Array($0) }])
        guard (200..<300).contains(answer.status.code) else { throw Self.refusal(answer, project, mask) }
        let engine: ResolvedEngine
        do throws(RstreamError) {
            engine = try ProjectDocument.engine(of: project, in: answer.body.readableBytesView)
        } catch {
            throw error.hiding(mask)
        }
        let isShowable = [engine.address, engine.project].compactMap { $0?.description }.allSatisfy {
            mask.hide(in: $0).sameBytes(as: $0)
        }
        guard isShowable else {
            throw Self.unusable(
                "control plane \(project.apiURL.withoutUser) returned an address that contains a secret"
            )
        }
        return engine
    }

    private static func url(of project: ManagedProject) throws(RstreamError) -> ControlPlaneURL {
        do throws(ControlPlaneURL.Malformed) {
            return try ControlPlaneURL(project.apiURL)
        } catch {
            throw unusable("API URL \"\(project.apiURL.withoutUser)\" \(error)")
        }
    }

    private static func usable(_ token: Secret?, for project: ManagedProject) throws(RstreamError) -> Secret {
        guard let token, !token.isBlank else {
            throw RstreamError(
                code: .authRequired,
                origin: .configuration,
                retry: .afterReload,
                what: "project \"\(project.endpoint)\" is looked up with a token, and none is configured",
                fix: "use a token, or give the engine's address"
            )
        }
        let trimmed = token.trimmed
        guard trimmed.withBytes({ $0.allSatisfy { (0x21...0x7E).contains($0) } }) else {
            throw Self.unusable("the token has characters that are not allowed in a token")
        }
        return trimmed
    }

    /// The head of the request without the token, which ``RequestWriter`` adds.
    private func head(_ project: ManagedProject, _ url: ControlPlaneURL) throws(RstreamError) -> HTTPRequestHead {
        var headers: HTTPHeaders = [
            "Host": "\(url.address)", "Accept": "application/json", "Connection": "close",
            "User-Agent": "\(agent.name)/\(agent.version)",
        ]
        var mistakes: [SettingMistake] = []
        for (name, value) in ControlPlaneHeaders.checked(project.headers, mistakes: &mistakes) {
            headers.replaceOrAdd(name: name, value: value)
        }
        if let mistake = mistakes.first { throw Self.unusable(mistake.what) }
        let path =
            "\(url.path)/api/projects/tunnels/resolve/\(PercentEncoding.encode(project.endpoint, encodesDots: true))"
        return HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: headers)
    }

    // MARK: The connection

    private func exchange(
        _ request: HTTPRequestHead,
        _ token: Secret,
        with url: ControlPlaneURL
    ) async throws -> ExchangeHandler.Answer {
        let contexts = try await makeContexts(for: url)
        let eventLoop = group.next()
        let answer = eventLoop.makePromise(of: ExchangeHandler.Answer.self)
        let deadline = eventLoop.scheduleTask(in: TimeAmount(timeout)) { answer.fail(ResponseTimeout()) }
        let connecting = connect(to: url, on: eventLoop, asking: request, token, contexts, answer: answer)
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

    /// Makes the TLS contexts, on a thread that may block on the disk.
    private func makeContexts(for url: ControlPlaneURL) async throws -> Contexts {
        let route = try EngineRoute(to: url.address, by: transport.proxy)
        return try await BlockingThreads.files.tryRun {
            var proxy: TLSClientContext?
            if case .proxy(let hop) = route, hop.language == .https {
                proxy = try TLSContextCache(.proxy(hop.tls)).context()
            }
            return Contexts(controlPlane: url.isSecure ? try makeContext() : nil, proxy: proxy)
        }
    }

    private func makeContext() throws -> TLSClientContext {
        let system = try SystemTrust.current().usable(besides: additionalTrust, for: .controlPlane)
        return try TLSClient.makeContext(
            ["http/1.1"],
            minimumVersion: .tlsv12,
            trust: .anchors(system, own: additionalTrust)
        )
    }

    // MARK: Errors

    private func explain(_ error: any Error, _ project: ManagedProject) -> RstreamError {
        if let error = error as? RstreamError, error.code == .controlPlane { return error }
        let subject = "control plane \(project.apiURL.withoutUser)"
        if error is CancellationError {
            return RstreamError(
                code: .clientClosed,
                origin: .host,
                retry: .never,
                what: "\(subject): the attempt was cancelled"
            )
        }
        let explained = ConnectionPeer.controlPlane.explain(error)
        let reason =
            switch error {
            case is ResponseTimeout: "no answer within \(timeout.secondsText)"
            case is ExchangeHandler.TooLong: "the answer is longer than \(ExchangeHandler.longest) bytes"
            case is HTTPParserError: "the server does not speak HTTP"
            default: explained.what
            }
        return RstreamError(
            code: .controlPlane,
            origin: .host,
            retry: .afterBackoff,
            what: "\(subject): \(reason)",
            fix: explained.fix ?? "check the API URL and this host's network"
        )
    }

    private static func refusal(
        _ answer: ExchangeHandler.Answer,
        _ project: ManagedProject,
        _ mask: SecretMask
    ) -> RstreamError {
        let (reason, fix): (String, String?) =
            switch answer.status.code {
            case 401: ("not authenticated", "check the token, or make a new one")
            case 403: ("not authorized", "use a token that may read the project")
            case 404: ("there is no project \"\(project.endpoint)\"", "check the projectEndpoint and the API URL")
            case 300..<400: ("it redirects, which is not followed", "check the API URL")
            default: ("it answered \(answer.status.code)", nil)
            }
        let isTransient = answer.status.code >= 500 || [408, 429].contains(answer.status.code)
        return RstreamError(
            code: .controlPlane,
            origin: isTransient ? .engine : .configuration,
            retry: isTransient ? .afterBackoff : .afterReload,
            what: "control plane \(project.apiURL.withoutUser): \(reason)\(explanation(in: answer.body, mask))",
            fix: fix
        )
    }

    /// The control plane's own error text, as one short line.
    private static func explanation(in body: ByteBuffer, _ mask: SecretMask) -> String {
        struct Failure: Decodable {
            let error: String
        }
        let bytes = body.readableBytesView
        let failure = try? GuardedJSON.decode(Failure.self, from: bytes, limit: ExchangeHandler.longest)
        // Hidden characters are removed before masking: they could split a secret.
        let seen = String(String.UnicodeScalarView((failure?.error ?? "").unicodeScalars.filter { !$0.isHidden }))
        let text = mask.hide(in: seen).cut(toBytes: 200)
        return text.isEmpty ? "" : ": " + text
    }

    private static func unusable(_ what: String) -> RstreamError {
        RstreamError(code: .invalidConfig, origin: .configuration, retry: .afterReload, what: what)
    }
}
