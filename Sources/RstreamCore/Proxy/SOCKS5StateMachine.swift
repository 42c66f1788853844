// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// Requests a connection from a SOCKS5 proxy (RFC 1928), with a user name and password if configured (RFC 1929).
///
/// A host name is sent as it is, so that the proxy resolves it. The bytes after the reply belong to the tunnel.
package struct SOCKS5StateMachine: ProxyStateMachine {
    private enum State {
        case idle
        case awaitingMethod
        case awaitingJudgement
        case awaitingReply
        case finished
    }

    private let target: EngineAddress
    private let credentials: Proxy.Credentials?
    private var state = State.idle
    /// Received bytes that are no complete message yet: at most one message, of at most 262 bytes, and one read.
    private var buffer: [UInt8] = []

    private static let version: UInt8 = 5

    /// Makes a machine that requests a connection to `target`. The credentials must have been checked (``ProxyHop``).
    package init(target: EngineAddress, credentials: Proxy.Credentials? = nil) {
        self.target = target
        self.credentials = credentials
    }

    package mutating func connected() -> ProxyAction {
        guard case .idle = state else { return .none }
        state = .awaitingMethod
        let methods: [UInt8] = credentials == nil ? [Method.none] : [Method.none, Method.password]
        return .send([Self.version, UInt8(methods.count)] + methods)
    }

    package mutating func received(_ bytes: [UInt8]) -> ProxyAction {
        switch state {
        case .awaitingMethod:
            buffer += bytes
            return methodReceived()
        case .awaitingJudgement:
            buffer += bytes
            return judgementReceived()
        case .awaitingReply:
            buffer += bytes
            return replyReceived()
        case .idle, .finished: return .none
        }
    }

    private enum Method {
        static let none: UInt8 = 0
        static let password: UInt8 = 2
        static let noneAcceptable: UInt8 = 0xFF
    }

    private mutating func methodReceived() -> ProxyAction {
        guard buffer.first ?? Self.version == Self.version else { return fail(.malformed) }
        guard buffer.count >= 2 else { return .none }
        let method = buffer[1]
        buffer.removeFirst(2)
        switch (method, credentials) {
        case (Method.none, _): return sendRequest()
        case (Method.password, let credentials?):
            state = .awaitingJudgement
            return .send(Self.request(credentials))
        case (Method.noneAcceptable, _): return fail(.noMethod(sentCredentials: credentials != nil))
        default: return fail(.malformed)
        }
    }

    /// User name and password, in one piece of memory, so that they can be overwritten after they were sent.
    private static func request(_ credentials: Proxy.Credentials) -> [UInt8] {
        let (user, password) = (credentials.username.utf8, credentials.password)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(3 + user.count + password.count)
        bytes += [1, UInt8(clamping: user.count)]
        bytes += user
        bytes.append(UInt8(clamping: password.count))
        password.withBytes { bytes += $0 }
        return bytes
    }

    private mutating func judgementReceived() -> ProxyAction {
        guard buffer.count >= 2 else { return .none }
        // The first byte is the version of RFC 1929; some proxies send the version of SOCKS instead.
        let status = buffer[1]
        buffer.removeFirst(2)
        return status == 0 ? sendRequest() : fail(.credentialsRejected)
    }

    private mutating func sendRequest() -> ProxyAction {
        state = .awaitingReply
        let host: [UInt8] =
            switch IPAddress(target.host) {
            case .v4(let address)?: [AddressType.v4] + IPAddress.v4(address).octets
            case .v6(let address)?: [AddressType.v6] + IPAddress.v6(address).octets
            case nil: [AddressType.name, UInt8(clamping: target.host.utf8.count)] + Array(target.host.utf8)
            }
        let port = UInt16(clamping: target.port)
        return .send([Self.version, 1, 0] + host + [UInt8(port >> 8), UInt8(port & 0xFF)])
    }

    private enum AddressType {
        static let v4: UInt8 = 1
        static let name: UInt8 = 3
        static let v6: UInt8 = 4
    }

    private mutating func replyReceived() -> ProxyAction {
        guard buffer.first ?? Self.version == Self.version else { return fail(.malformed) }
        // A proxy that refuses may close before the rest of its reply.
        if buffer.count >= 2, buffer[1] != 0 { return fail(.reply(buffer[1])) }
        guard buffer.count >= 5 else { return .none }
        let address: Int
        switch buffer[3] {
        case AddressType.v4: address = 4
        case AddressType.v6: address = 16
        case AddressType.name: address = 1 + Int(buffer[4])
        default: return fail(.malformed)
        }
        // Version, status, a reserved byte, the address and its type, and a port: where the proxy dials from.
        let length = 4 + address + 2
        guard buffer.count >= length else { return .none }
        state = .finished
        let rest = Array(buffer.dropFirst(length))
        buffer = []
        return .open(rest: rest)
    }

    private mutating func fail(_ failure: ProxyFailure) -> ProxyAction {
        state = .finished
        buffer = []
        return .fail(failure)
    }
}
