// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import NIOHTTP1
internal import RstreamAdmin
internal import RstreamModel
internal import RstreamRelay

/// The page for browsers: on the admin socket beside the API, and at `page.listen` with the calls that it makes and
/// nothing else.
extension AdminRouter {
    /// What every reply to a browser says: load nothing from elsewhere, show this in no frame, and take a reply for
    /// nothing but what its type says. Scripts and styles come from the daemon itself, as files, and no text becomes a
    /// part of the page's markup (`require-trusted-types-for`).
    private static let headers: [(name: String, value: String)] = [
        (
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
                + "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
        ),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ]

    private static let unknownPath = Problem(
        .unknownPath,
        "unknown path; this listener serves the page and what it shows"
    )

    /// Answers a request to the page's own listener, whose clients are unknown: it changes nothing.
    func answerPage(_ call: HTTPCall) async -> HTTPReply {
        var reply: HTTPReply
        do throws(Problem) {
            reply = try await read(call)
        } catch {
            reply = .problem(error)
            if error.code == .methodNotAllowed { reply.headers.append((name: "Allow", value: "GET")) }
            reply.headers += Self.headers
        }
        return reply
    }

    private func read(_ call: HTTPCall) async throws(Problem) -> HTTPReply {
        guard call.method == "GET" || call.method == "HEAD" else {
            throw Problem(.methodNotAllowed, "the page changes nothing; use GET, or rstreamctl")
        }
        if let document = PageDocument(target: call.target) { return try await answer(document, call) }
        let route: Route
        do throws(Problem) {
            route = try Route(method: call.method, target: call.target)
        } catch {
            throw error.code == .methodNotAllowed ? Self.unknownPath : error
        }
        guard Self.isOfPage(route), !route.changesSomething else { throw Self.unknownPath }
        var reply = try await answer(route, call)
        reply.headers += Self.headers
        return reply
    }

    /// Whether the page shows what the call returns.
    private static func isOfPage(_ route: Route) -> Bool {
        switch route {
        case .status, .sessions, .tunnels, .streams, .recentStreams, .events, .config, .live, .ready: true
        case .reconnect, .canary, .tunnel, .changeTunnel, .changeTunnels, .openTunnel, .closeTunnel, .claimTunnel,
            .tunnelFile, .requests, .capture, .dial, .cutStream, .reload, .upgrade, .logLevel, .setLogLevel, .metrics,
            .openAPI:
            false
        }
    }

    /// A document of the page.
    func answer(_ document: PageDocument, _ call: HTTPCall) async throws(Problem) -> HTTPReply {
        guard call.method == "GET" || call.method == "HEAD" else { throw Problem(.methodNotAllowed, "use GET") }
        let content: [UInt8]
        switch document {
        case .status:
            let page = StatusPage(
                status: statusStore.status(active: streams.activeCount),
                streams: await openStreams(of: nil),
                events: statusStore.events.read(from: EventRing.oldest).events,
                stalls: daemon.stalls,
                now: .now
            )
            content = Array(page.html.utf8)
        case .configuration:
            content = Array(ConfigurationPage.html(try await daemon.configuration().value).utf8)
        case .requests: content = Array(RequestsPage.html(statusStore.newestRequests(RequestsPage.most)).utf8)
        case .style: content = PageFiles.style
        case .script: content = PageFiles.script
        }
        return HTTPReply(status: .ok, type: document.mediaType, content: .bytes(content), headers: Self.headers)
    }
}
