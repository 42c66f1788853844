// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Crypto
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOWebSocket
import RstreamModel

/// The event stream, over SSE or WebSocket.
enum Watch {
    static func overSSE(_ target: RequestTarget, on exchange: HTTPExchange) {
        let engine = exchange.engine
        guard
            let watcher = watcher(
                target,
                on: exchange,
                send: { [weak exchange] text in exchange?.push("data: \(text)\n\n") }
            )
        else { return }
        exchange.stream([("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")]) {
            engine.events.remove(watcher)
        }
        engine.begin(watcher)
    }

    static func overWebSocket(_ target: RequestTarget, _ head: HTTPRequestHead, on exchange: HTTPExchange) {
        guard exchange.canDetach, MessageHeaders.upgrade(head.headers)?.asciiLowercased == "websocket",
            let key = head.headers.first(name: "sec-websocket-key")
        else { return exchange.answer(.text(.upgradeRequired, "This is a WebSocket.")) }
        let socket = WatchSocket(exchange.connection)
        guard let watcher = watcher(target, on: exchange, send: { [weak socket] text in socket?.send(text) }) else {
            return
        }
        socket.watcher = watcher
        // The constant and the digest are RFC 6455 §4.2.2; SHA-1 protects nothing here.
        let digest = Insecure.SHA1.hash(data: Array("\(key)258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8))
        let answer = HTTPResponseHead(
            version: .http1_1,
            status: .switchingProtocols,
            headers: [
                "Upgrade": "websocket", "Connection": "Upgrade",
                "Sec-WebSocket-Accept": Data(digest).base64EncodedString(),
            ]
        )
        exchange.detach(sending: answer) { early in socket.start(early) }
    }

    /// Nil if the request was refused, which has been answered.
    private static func watcher(
        _ target: RequestTarget,
        on exchange: HTTPExchange,
        send: @escaping (String) -> Void
    ) -> EventHub.Watcher? {
        guard exchange.engine.events.count < EngineLimits.watchers else {
            exchange.answer(.text(.serviceUnavailable, "Too many watchers."))
            return nil
        }
        do {
            return EventHub.Watcher(parameters: try target.parameters(), send: send)
        } catch {
            exchange.answer(.json(["error": "The parameter params is not valid."], status: .badRequest))
            return nil
        }
    }
}

extension Engine {
    /// Sends a watcher the current state and every change after it.
    fileprivate func begin(_ watcher: EventHub.Watcher) {
        events.add(watcher, clients: clientDocuments, tunnels: tunnelDocuments)
    }
}

/// The role of a connection that watches events over WebSocket.
private final class WatchSocket: ConnectionRole {
    private let connection: Connection
    private let engine: Engine
    /// Set before it starts.
    var watcher: EventHub.Watcher?

    init(_ connection: Connection) {
        self.connection = connection
        engine = connection.engine
    }

    func start(_ early: ByteBuffer) {
        guard connection.channel.isActive, let watcher else { return }
        do {
            try connection.addBehind([
                ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: EngineLimits.requestBodyBytes)),
                WebSocketFrameHandler(self),
            ])
        } catch {
            return connection.abort()
        }
        connection.role = self
        engine.begin(watcher)
        if early.readableBytes > 0 { connection.forward(early) }
        connection.read()
    }

    func send(_ text: String) {
        if connection.backlog > EngineLimits.writeBacklog { return connection.abort() }
        connection.send(.webSocketFrame(.text, text))
    }

    fileprivate func found(_ frame: WebSocketFrame) {
        guard connection.role === self else { return }
        switch frame.opcode {
        case .ping: connection.send(.webSocketFrame(.pong, String(buffer: frame.unmaskedData)))
        case .connectionClose:
            connection.send(.webSocketFrame(.connectionClose, ""))
            leave()
        default: break
        }
    }

    fileprivate func leave() {
        forget()
        connection.lingeringClose()
    }

    private func forget() {
        if let watcher { engine.events.remove(watcher) }
    }

    func received(_ bytes: ByteBuffer) { connection.forward(bytes) }

    func readCompleted() {
        if connection.role === self { connection.read() }
    }

    func inputClosed() { leave() }

    func failed(_ error: any Error) { connection.abort() }

    func closed() { forget() }
}

/// Passes decoded WebSocket frames to the watch. Confined to the event loop.
private final class WebSocketFrameHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame

    private weak var watch: WatchSocket?

    init(_ watch: WatchSocket) { self.watch = watch }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { watch?.found(unwrapInboundIn(data)) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { watch?.leave() }
}

extension ByteBuffer {
    /// One unmasked, unfragmented frame, which is all a server needs to send (RFC 6455 §5.2).
    fileprivate static func webSocketFrame(_ opcode: WebSocketOpcode, _ text: String) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(0x80 | UInt8(webSocketOpcode: opcode))
        switch text.utf8.count {
        case let count where count < 126: buffer.writeInteger(UInt8(count))
        case let count where count <= UInt16.max:
            buffer.writeInteger(UInt8(126))
            buffer.writeInteger(UInt16(count))
        case let count:
            buffer.writeInteger(UInt8(127))
            buffer.writeInteger(UInt64(count))
        }
        buffer.writeString(text)
        return buffer
    }
}
