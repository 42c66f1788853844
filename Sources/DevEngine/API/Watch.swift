import Crypto
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOWebSocket
import RstreamModel

/// The role of a connection that watches events, over SSE or WebSocket.
final class Watch: ConnectionRole {
    private let connection: Connection
    private let engine: Engine
    private let watcher: EventHub.Watcher
    /// Whether what arrives is WebSocket frames; an SSE client has nothing more to say.
    private let isWebSocket: Bool

    private init(_ connection: Connection, parameters: WatchParameters?, isWebSocket: Bool) {
        self.connection = connection
        self.isWebSocket = isWebSocket
        engine = connection.engine
        watcher = EventHub.Watcher(parameters: parameters) { [weak connection] text in
            guard let connection else { return }
            if connection.backlog > Limits.writeBacklog { return connection.abort() }
            connection.send(isWebSocket ? .webSocketFrame(.text, text) : ByteBuffer(string: "data: \(text)\n\n"))
        }
    }

    static func overSSE(_ target: RequestTarget, on connection: Connection) {
        guard let watch = make(target, on: connection, isWebSocket: false) else { return }
        connection.send(
            .responseHead(
                .ok,
                [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"), ("Connection", "close")]
            )
        )
        watch.start()
    }

    static func overWebSocket(_ target: RequestTarget, _ head: HTTPRequestHead, on connection: Connection) {
        let upgrades = head.headers[canonicalForm: "upgrade"].contains { $0.asciiLowercased == "websocket" }
        guard upgrades, let key = head.headers.first(name: "sec-websocket-key") else {
            return HTTPAnswer.text(.upgradeRequired, "This is a WebSocket.").send(to: connection)
        }
        guard let watch = make(target, on: connection, isWebSocket: true) else { return }
        do {
            try connection.addBehind([
                ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: Limits.requestBodyBytes)), WatchFrames(watch),
            ])
        } catch {
            return connection.abort()
        }
        // The constant and the digest are RFC 6455 §4.2.2; SHA-1 protects nothing here.
        let digest = Insecure.SHA1.hash(data: Array("\(key)258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8))
        connection.send(
            .responseHead(
                .switchingProtocols,
                [
                    ("Upgrade", "websocket"), ("Connection", "Upgrade"),
                    ("Sec-WebSocket-Accept", Data(digest).base64EncodedString()),
                ]
            )
        )
        watch.start()
    }

    private static func make(_ target: RequestTarget, on connection: Connection, isWebSocket: Bool) -> Watch? {
        guard connection.engine.events.count < Limits.watchers else {
            HTTPAnswer.text(.serviceUnavailable, "Too many watchers.").send(to: connection)
            return nil
        }
        do {
            return Watch(connection, parameters: try target.parameters(), isWebSocket: isWebSocket)
        } catch {
            HTTPAnswer.json(["error": "The parameter params is not valid."], status: .badRequest).send(to: connection)
            return nil
        }
    }

    private func start() {
        connection.role = self
        engine.events.add(watcher, clients: engine.clientDocuments, tunnels: engine.tunnelDocuments)
        connection.read()
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
        engine.events.remove(watcher)
        connection.dismiss()
    }

    func received(_ bytes: ByteBuffer) {
        if isWebSocket { connection.forward(bytes) }
    }

    func readCompleted() {
        if connection.role === self { connection.read() }
    }

    func inputClosed() { leave() }

    func failed(_ error: any Error) { connection.abort() }

    func closed() { engine.events.remove(watcher) }
}

/// The end of the WebSocket decoder's pipeline.
private final class WatchFrames: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame

    private weak var watch: Watch?

    init(_ watch: Watch) { self.watch = watch }

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
