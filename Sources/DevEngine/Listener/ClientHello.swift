// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamModel

/// What the engine reads from a TLS client before it answers: the server name and the offered protocols.
///
/// Passthrough tunnels get their visitors' handshakes untouched, so the first bytes of every connection are parsed here
/// and then replayed to the handler of the connection. Nothing is verified: TLS may still refuse a ClientHello that
/// parses here.
struct ClientHello: Equatable {
    /// SNI in lower case; nil when the client sent none.
    private(set) var serverName: String?
    /// ALPN offers in the client's order.
    private(set) var protocols: [String] = []

    init(serverName: String? = nil, protocols: [String] = []) {
        self.serverName = serverName
        self.protocols = protocols
    }

    enum Verdict: Equatable {
        /// It is not complete yet.
        case needMore
        /// It is not a ClientHello, or longer than the limit.
        case malformed
        case hello(ClientHello)
    }

    /// Parses everything that arrived so far, from the first byte of the connection.
    static func read(_ bytes: ByteBuffer) -> Verdict {
        switch handshake(in: bytes) {
        case .needMore: .needMore
        case .malformed: .malformed
        case .complete(var body): ClientHello(body: &body).map(Verdict.hello) ?? .malformed
        }
    }

    private enum Handshake {
        case needMore
        case malformed
        case complete(ByteBuffer)
    }

    /// Joins handshake records until the whole ClientHello is there: a client may spread it over several.
    private static func handshake(in bytes: ByteBuffer) -> Handshake {
        var records = bytes
        var message = ByteBuffer()
        while true {
            if let type: UInt8 = message.getInteger(at: message.readerIndex), type != 1 { return .malformed }
            if let length = message.getUInt24(at: message.readerIndex + 1) {
                guard length <= EngineLimits.clientHello else { return .malformed }
                if let body = message.getSlice(at: message.readerIndex + 4, length: length) { return .complete(body) }
            }
            let start = records.readerIndex
            guard let type: UInt8 = records.getInteger(at: start) else { return .needMore }
            guard type == 22 else { return .malformed }
            guard let major: UInt8 = records.getInteger(at: start + 1) else { return .needMore }
            guard major == 3 else { return .malformed }
            guard let length: UInt16 = records.getInteger(at: start + 3) else { return .needMore }
            guard (1...16_640).contains(length) else { return .malformed }
            guard var fragment = records.getSlice(at: start + 5, length: Int(length)) else {
                return records.readableBytes > EngineLimits.clientHello ? .malformed : .needMore
            }
            records.moveReaderIndex(forwardBy: 5 + Int(length))
            message.writeBuffer(&fragment)
        }
    }

    private init?(body: inout ByteBuffer) {
        // legacy_version and random, then three vectors before the extensions (RFC 8446 §4.1.2).
        guard body.readSlice(length: 34) != nil, body.readVector8() != nil, body.readVector16() != nil,
            body.readVector8() != nil
        else { return nil }
        guard body.readableBytes > 0 else { return }
        guard var extensions = body.readVector16() else { return nil }
        while extensions.readableBytes > 0 {
            guard let type: UInt16 = extensions.readInteger(), var data = extensions.readVector16() else { return nil }
            switch type {
            case 0:
                guard let name = Self.serverName(&data) else { return nil }
                serverName = name
            case 16:
                guard let protocols = Self.protocols(&data) else { return nil }
                self.protocols = protocols
            default: continue
            }
        }
    }

    /// The first entry of type host_name (RFC 6066 §3).
    private static func serverName(_ data: inout ByteBuffer) -> String? {
        guard var list = data.readVector16(), let type: UInt8 = list.readInteger(), type == 0,
            let name = list.readVector16(), (1...255).contains(name.readableBytes)
        else { return nil }
        let text = String(buffer: name)
        return text.isVisibleASCII ? text.asciiLowercased.withoutFinalDot : nil
    }

    private static func protocols(_ data: inout ByteBuffer) -> [String]? {
        guard var list = data.readVector16() else { return nil }
        var protocols: [String] = []
        while list.readableBytes > 0 {
            guard let name = list.readVector8(), name.readableBytes > 0 else { return nil }
            protocols.append(String(buffer: name))
        }
        return protocols
    }
}

extension ByteBuffer {
    fileprivate func getUInt24(at index: Int) -> Int? {
        guard let high: UInt8 = getInteger(at: index), let low: UInt16 = getInteger(at: index + 1) else { return nil }
        return Int(high) << 16 | Int(low)
    }

    fileprivate mutating func readVector8() -> ByteBuffer? { readLengthPrefixedSlice(as: UInt8.self) }

    fileprivate mutating func readVector16() -> ByteBuffer? { readLengthPrefixedSlice(as: UInt16.self) }
}
