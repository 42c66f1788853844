// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

extension Message {
    /// The same message with these secrets hidden in the texts for people: errors, and what the engine states about
    /// itself.
    ///
    /// An engine knows the token that it received and may repeat it. Secrets are hidden where a message arrives, so
    /// that no later code can show them. Names and addresses stay as they are: they are compared.
    package func hiding(_ secrets: [Secret]) -> Message {
        guard !secrets.isEmpty else { return self }
        switch self {
        case .openControlChannelResponse(.error(let error)):
            return .openControlChannelResponse(.error(error.hiding(secrets)))
        case .openControlChannelResponse(.ok(let clientID, let details?, let liveness)):
            let details = details.hiding(secrets)
            return .openControlChannelResponse(.ok(clientID: clientID, serverDetails: details, liveness: liveness))
        case .openTunnelResponse(let response):
            guard case .error(let error) = response.outcome else { return self }
            return .openTunnelResponse(
                OpenTunnelResponse(requestID: response.requestID, outcome: .error(error.hiding(secrets)))
            )
        case .proxyResponse(let error?): return .proxyResponse(error: error.hiding(secrets))
        case .streamResponse(.error(let error)): return .streamResponse(.error(error.hiding(secrets)))
        case .serverMessage(let text): return .serverMessage(SecretMask(secrets).hide(in: text))
        case .openControlChannelRequest, .openControlChannelResponse, .closeControlChannelRequest,
            .closeControlChannelResponse, .openTunnelRequest, .closeTunnelRequest, .closeTunnelResponse,
            .proxyConnectionRequest, .proxyConnectionResponse, .proxyRequest, .proxyResponse, .streamRequest,
            .streamResponse, .heartbeat, .datagramChannelClose, .unknown:
            return self
        }
    }
}

extension EngineError {
    fileprivate func hiding(_ secrets: [Secret]) -> EngineError {
        EngineError(code: code, message: SecretMask(secrets).hide(in: message))
    }
}

extension ServerDetails {
    fileprivate func hiding(_ secrets: [Secret]) -> ServerDetails {
        let mask = SecretMask(secrets)
        var details = self
        for path: WritableKeyPath<ServerDetails, String?> in [
            \.agent, \.channel, \.version, \.plan, \.provider, \.region, \.update,
        ] {
            details[keyPath: path] = details[keyPath: path].map { mask.hide(in: $0) }
        }
        return details
    }
}
