// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel
internal import SwiftProtobuf

// Converts between this module's messages and the generated types, which are used nowhere else.

extension Message {
    /// Decodes the payload of one frame. Unknown fields are ignored, an unknown kind is ``Message/unknown``, and a text
    /// that breaks the rules of ``WireText`` is an error.
    package init(payload: [UInt8]) throws(FrameError) {
        let wire: WireMessage
        do {
            wire = try WireMessage(serializedBytes: payload)
        } catch {
            throw .malformed
        }
        do throws(FieldError) {
            try self.init(wire)
        } catch {
            throw .field(error)
        }
    }

    /// Encodes the payload of one frame.
    package func payload() throws(FrameError) -> [UInt8] {
        do {
            return try wire.serializedBytes()
        } catch {
            throw .malformed
        }
    }

    private init(_ wire: WireMessage) throws(FieldError) {
        switch wire.payload {
        case .openControlChannelReq(let request):
            self = .openControlChannelRequest(
                OpenControlChannelRequest(
                    details: try ClientDetails(request.clientDetails),
                    liveness: request.hasLiveness ? WireLiveness(request.liveness) : nil
                )
            )
        case .openControlChannelRsp(let response):
            self = .openControlChannelResponse(try OpenControlChannelResponse(response))
        case .closeControlChannelReq: self = .closeControlChannelRequest
        case .closeControlChannelRsp: self = .closeControlChannelResponse
        case .openTunnelReq(let request):
            self = .openTunnelRequest(
                OpenTunnelRequest(
                    requestID: try WireText.identifier(request.requestID, "request_id"),
                    properties: try TunnelProperties(request.tunnelProperties)
                )
            )
        case .openTunnelRsp(let response): self = .openTunnelResponse(try OpenTunnelResponse(response))
        case .closeTunnelReq(let request):
            self = .closeTunnelRequest(tunnelID: try WireText.identifier(request.tunnelID, "tunnel_id"))
        case .closeTunnelRsp(let response):
            self = .closeTunnelResponse(tunnelID: try WireText.identifier(response.tunnelID, "tunnel_id"))
        case .proxyConnReq(let request): self = .proxyConnectionRequest(try ProxyConnectionRequest(request))
        case .proxyConnRsp(let response):
            self = .proxyConnectionResponse(
                ProxyConnectionResponse(
                    streamID: try WireText.identifier(response.streamID, "stream_id"),
                    error: response.hasError ? EngineError(response.error) : nil
                )
            )
        case .proxyReq(let request):
            self = .proxyRequest(
                ProxyRequest(
                    details: try ClientDetails(request.clientDetails),
                    streamID: try WireText.identifier(request.streamID, "stream_id"),
                    zeroRTT: request.hasZeroRtt ? request.zeroRtt.value : nil
                )
            )
        case .proxyRsp(let response):
            self = .proxyResponse(error: response.hasError ? EngineError(response.error) : nil)
        case .streamReq(let request):
            self = .streamRequest(
                StreamRequest(
                    details: try ClientDetails(request.clientDetails),
                    tunnelIDOrName: try WireText.value(request.tunnelIDName, "tunnel_id_name", WireLimits.name),
                    zeroRTT: request.hasZeroRtt ? request.zeroRtt.value : nil,
                    datagramChannel: request.hasDatagramChannel ? request.datagramChannel.value : nil
                )
            )
        case .streamRsp(let response): self = .streamResponse(try StreamResponse(response))
        case .heartbeat(let heartbeat):
            self = .heartbeat(
                Heartbeat(sequence: heartbeat.sequence, acknowledgement: heartbeat.acknowledgement)
            )
        case .serverMessage(let message): self = .serverMessage(WireText.text(message.message))
        case .datagramChannelClose(let close):
            self = .datagramChannelClose(
                streamID: try WireText.identifier(close.streamID, "stream_id"),
                error: close.hasError ? EngineError(close.error) : nil
            )
        case nil: self = .unknown
        }
    }

    private var wire: WireMessage {
        var wire = WireMessage()
        switch self {
        case .openControlChannelRequest(let request): wire.openControlChannelReq = request.wire
        case .openControlChannelResponse(let response): wire.openControlChannelRsp = response.wire
        case .closeControlChannelRequest: wire.closeControlChannelReq = .init()
        case .closeControlChannelResponse: wire.closeControlChannelRsp = .init()
        case .openTunnelRequest(let request):
            wire.openTunnelReq = .with {
                $0.requestID = request.requestID
                $0.tunnelProperties = request.properties.wire
            }
        case .openTunnelResponse(let response): wire.openTunnelRsp = response.wire
        case .closeTunnelRequest(let tunnelID): wire.closeTunnelReq = .with { $0.tunnelID = tunnelID }
        case .closeTunnelResponse(let tunnelID): wire.closeTunnelRsp = .with { $0.tunnelID = tunnelID }
        case .proxyConnectionRequest(let request): wire.proxyConnReq = request.wire
        case .proxyConnectionResponse(let response):
            wire.proxyConnRsp = .with {
                $0.streamID = response.streamID
                if let error = response.error { $0.error = error.wire }
            }
        case .proxyRequest(let request):
            wire.proxyReq = .with {
                $0.clientDetails = request.details.wire
                $0.streamID = request.streamID
                if let zeroRTT = request.zeroRTT { $0.zeroRtt = .init(zeroRTT) }
            }
        case .proxyResponse(let error):
            wire.proxyRsp = .with { if let error { $0.error = error.wire } }
        case .streamRequest(let request):
            wire.streamReq = .with {
                $0.clientDetails = request.details.wire
                $0.tunnelIDName = request.tunnelIDOrName
                if let zeroRTT = request.zeroRTT { $0.zeroRtt = .init(zeroRTT) }
                if let datagramChannel = request.datagramChannel { $0.datagramChannel = .init(datagramChannel) }
            }
        case .streamResponse(let response): wire.streamRsp = response.wire
        case .heartbeat(let heartbeat):
            wire.heartbeat = .with {
                $0.sequence = heartbeat.sequence
                $0.acknowledgement = heartbeat.acknowledgement
            }
        case .serverMessage(let text): wire.serverMessage = .with { $0.message = text }
        case .datagramChannelClose(let streamID, let error):
            wire.datagramChannelClose = .with {
                $0.streamID = streamID
                if let error { $0.error = error.wire }
            }
        case .unknown: break
        }
        return wire
    }
}

extension OpenControlChannelRequest {
    fileprivate var wire: Rstream_IoRstrm_Protobuf_OpenControlChannelReq {
        .with {
            $0.clientDetails = details.wire
            if let liveness { $0.liveness = liveness.wire }
        }
    }
}

extension OpenControlChannelResponse {
    fileprivate init(_ wire: Rstream_IoRstrm_Protobuf_OpenControlChannelRsp) throws(FieldError) {
        switch wire.payload {
        case .ok(let ok):
            self = .ok(
                clientID: try WireText.identifier(ok.clientID, "client_id"),
                serverDetails: ok.hasServerDetails ? ServerDetails(ok.serverDetails) : nil,
                liveness: ok.hasLiveness ? WireLiveness(ok.liveness) : nil
            )
        case .error(let error): self = .error(EngineError(error))
        case nil: self = .empty
        }
    }

    fileprivate var wire: Rstream_IoRstrm_Protobuf_OpenControlChannelRsp {
        .with {
            switch self {
            case .ok(let clientID, let serverDetails, let liveness):
                $0.ok = .with {
                    $0.clientID = clientID
                    if let serverDetails { $0.serverDetails = serverDetails.wire }
                    if let liveness { $0.liveness = liveness.wire }
                }
            case .error(let error): $0.error = error.wire
            case .empty: break
            }
        }
    }
}

extension OpenTunnelResponse {
    fileprivate init(_ wire: Rstream_IoRstrm_Protobuf_OpenTunnelRsp) throws(FieldError) {
        let outcome: Outcome
        switch wire.payload {
        case .tunnelProperties(let properties):
            // An invalid property fails this tunnel only, not the channel and its other tunnels.
            do throws(FieldError) {
                outcome = .granted(try TunnelProperties(granted: properties))
            } catch {
                outcome = .unusable(tunnelID: try? WireText.identifier(properties.id.value, "id"), error)
            }
        case .error(let error): outcome = .error(EngineError(error))
        case nil: outcome = .empty
        }
        self.init(requestID: try WireText.identifier(wire.requestID, "request_id"), outcome: outcome)
    }

    fileprivate var wire: Rstream_IoRstrm_Protobuf_OpenTunnelRsp {
        .with {
            $0.requestID = requestID
            switch outcome {
            case .granted(let properties): $0.tunnelProperties = properties.wire
            case .error(let error): $0.error = error.wire
            case .empty, .unusable: break
            }
        }
    }
}

extension ProxyConnectionRequest {
    fileprivate init(_ wire: Rstream_IoRstrm_Protobuf_ProxyConnReq) throws(FieldError) {
        self.init(
            tunnelID: try WireText.identifier(wire.tunnelID, "tunnel_id"),
            streamID: try WireText.identifier(wire.streamID, "stream_id"),
            secret: wire.hasSecret
                ? Secret(try WireText.value(wire.secret.value, "secret", WireLimits.secret)) : nil,
            source: wire.hasSourceIp ? IPAddress(wire.sourceIp) : nil,
            proxyEndpoint: wire.hasProxyEndpoint
                ? try WireText.value(wire.proxyEndpoint.value, "proxy_endpoint", WireLimits.endpoint) : nil
        )
    }

    fileprivate var wire: Rstream_IoRstrm_Protobuf_ProxyConnReq {
        .with {
            $0.tunnelID = tunnelID
            $0.streamID = streamID
            if let secret { $0.secret = .init(secret.reveal()) }
            if let source { $0.sourceIp = source.wire }
            if let proxyEndpoint { $0.proxyEndpoint = .init(proxyEndpoint) }
        }
    }
}

extension StreamResponse {
    fileprivate init(_ wire: Rstream_IoRstrm_Protobuf_StreamRsp) throws(FieldError) {
        switch wire.payload {
        case .streamID(let streamID):
            self = .connected(streamID: try WireText.identifier(streamID, "stream_id"))
        case .error(let error): self = .error(EngineError(error))
        case nil: self = .empty
        }
    }

    fileprivate var wire: Rstream_IoRstrm_Protobuf_StreamRsp {
        .with {
            switch self {
            case .connected(let streamID): $0.streamID = streamID
            case .error(let error): $0.error = error.wire
            case .empty: break
            }
        }
    }
}

extension WireLiveness {
    fileprivate init(_ wire: Rstream_IoRstrm_Protobuf_ControlChannelLiveness) {
        self.init(
            intervalMilliseconds: wire.heartbeatIntervalMs,
            timeoutMilliseconds: wire.heartbeatTimeoutMs
        )
    }

    fileprivate var wire: Rstream_IoRstrm_Protobuf_ControlChannelLiveness {
        .with {
            $0.heartbeatIntervalMs = intervalMilliseconds
            $0.heartbeatTimeoutMs = timeoutMilliseconds
        }
    }
}

typealias WireMessage = Rstream_IoRstrm_Protobuf_Message
