package import RstreamModel

extension Message {
    /// The same message without these secrets in what it says to people: errors, and what the engine tells about itself.
    ///
    /// An engine knows the token that it was shown and may repeat it. This is said where a message comes in, so that
    /// nothing behind can show it. Names and addresses, by which things are found again, stay as they are.
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
