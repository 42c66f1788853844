// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamModel
import RstreamWire

/// Accepts a private dial: a client that connects to a tunnel by id or name (PROTOCOL.md §8). After that it is handled
/// as any other visitor.
enum PrivateDial {
    static func begin(_ dialer: Connection, _ request: StreamRequest, early: ByteBuffer) {
        let engine = dialer.engine
        engine.record(.streamRequest(request))
        let waits = request.zeroRTT != true
        func refuse(_ answer: Message) {
            if waits { dialer.send(.frame(answer)) }
            dialer.lingeringClose()
        }
        if let error = engine.faults.error(.streamError) { return refuse(.streamResponse(.error(error))) }
        if engine.faults.take(.streamWrongMessage) { return refuse(.heartbeat(Heartbeat())) }
        if engine.faults.take(.streamEmpty) { return refuse(.streamResponse(.empty)) }
        if let error = engine.refusal(of: request.details, on: dialer) { return refuse(.streamResponse(.error(error))) }
        if request.datagramChannel == true {
            let error = EngineError(code: .featureNotAvailable, message: "The development engine has no datagrams.")
            return refuse(.streamResponse(.error(error)))
        }
        guard let tunnel = engine.tunnels.dialed(request.tunnelIDOrName.trimmed) else {
            let error = EngineError(code: .tunnelNotFound, message: "Tunnel not found.")
            return refuse(.streamResponse(.error(error)))
        }
        RawVisitor.begin(dialer, of: tunnel, awaitsResponse: waits, early: early)
    }
}

extension ByteBuffer {
    /// The frame of a message. The engine's messages are short, except a tunnel's properties, whose length is checked
    /// when they are granted; so the buffer is never empty.
    static func frame(_ message: Message) -> ByteBuffer {
        var buffer = ByteBuffer()
        try? buffer.writeFrame(message)
        return buffer
    }
}
