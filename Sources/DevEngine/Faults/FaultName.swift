// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Every fault that the engine can inject (PROTOCOL.md §17). The raw value is its name on the command line.
package enum FaultName: String, CaseIterable, Sendable {
    // Opening a control channel.
    case notTLS = "not-tls"
    case noALPN = "alpn-none"
    case openError = "open-error"
    case openEmpty = "open-empty"
    case openWrongMessage = "open-wrong-message"
    case openSilence = "open-silence"
    case closeOnOpen = "close-on-open"
    case livenessInterval = "liveness-interval"
    case livenessTimeout = "liveness-timeout"
    case livenessMissing = "liveness-missing"

    // Heartbeats.
    case ackDelay = "ack-delay"
    case ackSkip = "ack-skip"
    case ackZero = "ack-zero"
    case ackFuture = "ack-future"
    case ackReplay = "ack-replay"
    case ackSequence = "ack-sequence"
    case silence = "silence"
    case stallReads = "stall-reads"
    case legacyHeartbeat = "legacy-heartbeat"

    // Frames after the answer to an open.
    case oversizedFrame = "oversized-frame"
    case garbageFrame = "garbage-frame"
    case unknownKind = "unknown-kind"
    case emptyFrame = "empty-frame"
    case serverMessage = "server-message"
    case unexpectedKind = "unexpected-kind"

    // Tunnels, and the end of the channel they live on.
    case tunnelError = "tunnel-error"
    case tunnelEmpty = "tunnel-empty"
    case tunnelNoID = "tunnel-no-id"
    case tunnelDuplicateID = "tunnel-duplicate-id"
    case tunnelLongTexts = "tunnel-long-texts"
    case tunnelUnknownRequest = "tunnel-unknown-request"
    case tunnelLate = "tunnel-late"
    case tunnelSilence = "tunnel-silence"
    case tunnelAnswerTwice = "tunnel-answer-twice"
    case closeTunnel = "close-tunnel"
    case tunnelCloseSilence = "tunnel-close-silence"
    case closeChannelResponse = "close-channel-response"
    case dropControl = "drop-control"

    // Inbound streams.
    case redirect = "redirect"
    case redirectNoSecret = "redirect-no-secret"
    case redirectMalformed = "redirect-malformed"
    case noSecret = "no-secret"
    case emptyStreamID = "empty-stream-id"
    case marksStreamID = "marks-stream-id"
    case unknownTunnelID = "unknown-tunnel-id"
    case duplicateStreamID = "duplicate-stream-id"
    case noSource = "no-source"
    case proxyResponseError = "proxy-response-error"
    case proxyWrongMessage = "proxy-wrong-message"
    case proxyReset = "proxy-reset"
    case proxyStall = "proxy-stall"
    case payloadReset = "payload-reset"

    // Private dial.
    case streamError = "stream-error"
    case streamWrongMessage = "stream-wrong-message"
    case streamEmpty = "stream-empty"

    /// The value behind the `=`.
    package enum Argument: String, Sendable {
        case none = ""
        case milliseconds = "=MS"
        case count = "=N"
        case bytes = "=BYTES"
        case error = "=CODE[:TEXT]"
    }

    /// The fault's value and its effect: the source of the help text.
    package var definition: (argument: Argument, effect: String) {
        switch self {
        case .notTLS: (.none, "answer a ClientHello that offers rstrm/1 with plain text")
        case .noALPN: (.none, "select no application protocol for a ClientHello that offers rstrm/1")
        case .openError: (.error, "refuse a control channel")
        case .openEmpty: (.none, "answer an open with neither ok nor error")
        case .openWrongMessage: (.none, "answer an open with a message of another kind")
        case .openSilence: (.none, "accept an open and never answer")
        case .closeOnOpen: (.none, "close the connection when an open arrives")
        case .livenessInterval: (.milliseconds, "grant this heartbeat interval, ignoring the request")
        case .livenessTimeout: (.milliseconds, "grant this liveness timeout unchanged")
        case .livenessMissing: (.none, "grant no liveness, like an engine without it")
        case .ackDelay: (.milliseconds, "acknowledge heartbeats late")
        case .ackSkip: (.count, "acknowledge every Nth heartbeat only")
        case .ackZero: (.none, "acknowledge 0")
        case .ackFuture: (.none, "acknowledge a heartbeat that was not sent yet")
        case .ackReplay: (.none, "acknowledge the same heartbeat twice")
        case .ackSequence: (.none, "acknowledge with a sequence of its own")
        case .silence: (.none, "send nothing more on the control channel once it is open")
        case .stallReads: (.none, "stop reading the control channel once it is open")
        case .legacyHeartbeat: (.none, "send a heartbeat right after an open without liveness")
        case .oversizedFrame: (.none, "announce a frame of 65,536 bytes once the channel is open")
        case .garbageFrame: (.none, "send a frame that is not a message")
        case .unknownKind: (.none, "send a message of a kind that does not exist")
        case .emptyFrame: (.none, "send a frame of no bytes")
        case .serverMessage: (.none, "send a ServerMessage")
        case .unexpectedKind: (.none, "send a ProxyRsp on the control channel")
        case .tunnelError: (.error, "refuse a tunnel")
        case .tunnelEmpty: (.none, "answer a tunnel request with neither properties nor error")
        case .tunnelNoID: (.none, "grant a tunnel without an id")
        case .tunnelDuplicateID: (.none, "grant a tunnel with the id of the channel's first tunnel")
        case .tunnelLongTexts: (.none, "grant a tunnel with a name, a host name and labels as long as fits")
        case .tunnelUnknownRequest: (.none, "answer a tunnel request that was never made, then the real one")
        case .tunnelLate: (.milliseconds, "answer tunnel requests late")
        case .tunnelSilence: (.none, "never answer a tunnel request")
        case .tunnelAnswerTwice: (.none, "answer a tunnel request twice")
        case .closeTunnel: (.milliseconds, "end a tunnel this long after granting it")
        case .tunnelCloseSilence: (.none, "never confirm that a tunnel is closed, and keep it")
        case .closeChannelResponse: (.milliseconds, "send CloseControlChannelRsp this long after the open")
        case .dropControl: (.milliseconds, "close the control connection this long after the open")
        case .redirect: (.none, "redirect the agent to the redirect listener")
        case .redirectNoSecret: (.none, "redirect without a secret")
        case .redirectMalformed: (.none, "redirect to something that is not an address")
        case .noSecret: (.none, "request a connection without a secret")
        case .emptyStreamID: (.none, "send an extra request with an empty stream id first")
        case .marksStreamID:
            (.none, "send 20 extra requests first, with stream ids of 64,000 bytes of combining marks")
        case .unknownTunnelID: (.none, "request a connection for a tunnel that does not exist")
        case .duplicateStreamID: (.none, "request the same connection twice")
        case .noSource: (.none, "omit the visitor's address")
        case .proxyResponseError: (.error, "refuse the agent's connection (zero_rtt false; true: close it)")
        case .proxyWrongMessage: (.none, "answer ProxyReq with a Heartbeat (zero_rtt false; true: close)")
        case .proxyReset: (.none, "reset the agent's connection when its ProxyReq arrives")
        case .proxyStall: (.none, "read ProxyReq and do nothing; on the redirect listener: not even TLS")
        case .payloadReset: (.bytes, "reset the agent's connection after this many relayed bytes")
        case .streamError: (.error, "refuse a private dial")
        case .streamWrongMessage: (.none, "answer a private dial with a Heartbeat")
        case .streamEmpty: (.none, "answer a private dial with neither stream id nor error")
        }
    }

    /// The table of all faults for a help text, narrow enough for any terminal.
    package static var help: String {
        allCases.map { "  \($0.rawValue)\($0.definition.argument.rawValue)\n      \($0.definition.effect)" }
            .joined(separator: "\n")
    }
}
