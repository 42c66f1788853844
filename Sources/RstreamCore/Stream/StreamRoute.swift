package import RstreamModel
package import RstreamWire

/// Where the connection for an inbound stream is dialed (PROTOCOL.md §6, §6.1).
package enum StreamRoute: Hashable, Sendable {
    /// The address that the control channel uses.
    case engine
    /// Another address, which the request named.
    case redirect(EngineAddress)

    /// Why a request cannot be dialed at all.
    package enum Refusal: Error, Hashable, Sendable {
        case redirectWithoutSecret
        case redirectBlank
        case redirectMalformed(EngineAddress.Malformed)

        /// The text of the answer to the engine.
        package var what: String {
            switch self {
            case .redirectWithoutSecret: "a redirect without a secret cannot be dialed"
            case .redirectBlank: "the redirect names no endpoint"
            case .redirectMalformed(let reason): "the redirect's endpoint \(reason)"
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
}
