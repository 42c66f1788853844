// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel
package import RstreamWire

/// Where the connection for an inbound stream is dialed (PROTOCOL.md §6, §6.1).
package enum StreamRoute: Hashable, Sendable {
    /// The address that the control channel uses.
    case engine
    /// The address in the request.
    case redirect(EngineAddress)

    /// Why a request cannot be dialed at all.
    package enum Refusal: Error, Hashable, Sendable {
        case redirectWithoutSecret
        case redirectBlank
        case redirectMalformed(EngineAddress.Malformed)

        /// The text with which the engine is answered. It repeats nothing of the request.
        package var what: String {
            switch self {
            case .redirectWithoutSecret: "a redirect without a secret cannot be dialed"
            case .redirectBlank: "the redirect names no endpoint"
            case .redirectMalformed: "the redirect's endpoint is not host[:port]"
            }
        }
    }

    /// Judges a request before anything is dialed.
    package static func route(of request: ProxyConnectionRequest) -> Result<StreamRoute, Refusal> {
        guard let endpoint = request.proxyEndpoint else { return .success(.engine) }
        guard let secret = request.secret, !secret.isBlank else { return .failure(.redirectWithoutSecret) }
        guard !endpoint.trimmed.isEmpty else { return .failure(.redirectBlank) }
        do {
            return .success(.redirect(try EngineAddress(endpoint)))
        } catch {
            return .failure(.redirectMalformed(error))
        }
    }

    /// Where an inbound stream failed.
    package enum Stage: Hashable, Sendable {
        /// On this host, before or after the connection was made.
        case acceptor
        /// Between this host and the tunnel's upstream.
        case upstream
        /// Between this host and the address that was dialed.
        case connection
    }

    /// The text with which the engine is answered about a stream that failed.
    ///
    /// An engine may show the text to visitors, so it never names an upstream. About a connection it says only that
    /// there is none, and about a redirect not even where it failed: with the answers an engine could map the agent's
    /// network.
    package func answer(about error: RstreamError, at stage: Stage) -> String {
        switch (self, stage) {
        case (.engine, .acceptor): error.what.cut(toBytes: Self.longestAnswer)
        case (.engine, .upstream): Self.noUpstream
        case (.engine, .connection), (.redirect, _): Self.noConnection
        }
    }

    /// The answer about a connection that was not made, or not used.
    package static let noConnection = "the connection for the stream was not made"
    /// The answer about an upstream that could not be reached.
    package static let noUpstream = "the tunnel's upstream cannot be reached"
    private static let longestAnswer = 1_024
}
