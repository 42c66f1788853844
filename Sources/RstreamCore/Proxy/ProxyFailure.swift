// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// Why a handshake with a proxy failed.
package enum ProxyFailure: Error, Hashable, Sendable {
    /// An HTTP status other than 2xx.
    case refused(statusLine: String)
    /// HTTP 407, or 401 from proxies that confuse the two, with the schemes that the proxy offers.
    case authenticationRequired(statusLine: String, schemes: [String], sentCredentials: Bool)
    /// The head of the HTTP answer is too long.
    case headTooLong
    /// The address does not answer as a proxy of this kind.
    case malformed
    /// The proxy accepts none of the authentication methods that we offered (RFC 1928 §3).
    case noMethod(sentCredentials: Bool)
    /// The proxy rejected the user name or password (RFC 1929 §2).
    case credentialsRejected
    /// A SOCKS5 reply other than success (RFC 1928 §6).
    case reply(UInt8)
    /// The proxy closed the connection.
    case closed
    /// The proxy did not answer within the connect timeout.
    case timeout(Duration)

    /// The side that has to change something.
    package var origin: RstreamError.Origin {
        switch self {
        case .authenticationRequired, .noMethod, .credentialsRejected: .configuration
        case .reply(4), .reply(5), .reply(6): .engine
        case .refused, .headTooLong, .malformed, .reply, .closed, .timeout: .host
        }
    }

    /// What happened, for use after the names of engine and proxy.
    package var what: String {
        switch self {
        case .refused(let line), .authenticationRequired(let line, _, _): "failed to CONNECT: \(line)"
        case .headTooLong: "the head of its answer is longer than \(HTTPConnectStateMachine.largestHead) bytes"
        case .malformed: "the address does not answer as such a proxy"
        case .noMethod(sentCredentials: false): "it wants a user name and a password"
        case .noMethod(sentCredentials: true): "it takes no user name and password"
        case .credentialsRejected: "it refused the user name and password"
        case .reply(let code): Self.replies[code] ?? "it answered with the unknown code \(code)"
        case .closed: "it closed the connection during the handshake"
        case .timeout(let duration): "it did not answer within \(duration.secondsText)"
        }
    }

    /// The fix for an operator.
    package var fix: String? {
        switch self {
        case .refused: "permit CONNECT to the engine at the proxy"
        case .authenticationRequired(_, let schemes, let sentCredentials):
            if !schemes.isEmpty, !schemes.contains("basic") {
                "let the proxy offer Basic; it offers \(schemes.joined(separator: ", "))"
            } else {
                sentCredentials ? Self.checkCredentials : Self.setCredentials
            }
        case .headTooLong, .malformed, .timeout: "check the address and the protocol of transport.proxy"
        case .noMethod(sentCredentials: false): Self.setCredentials
        case .noMethod(sentCredentials: true): "ask how the proxy authenticates; GSSAPI is not supported"
        case .credentialsRejected: Self.checkCredentials
        case .reply(2): "permit connections to the engine at the proxy"
        case .reply(3), .reply(4), .reply(6): "check the engine's address and the proxy's network"
        case .reply(5): "check the engine's address, and that the engine is running"
        case .reply(8): "set transport.ipFamily to what the proxy can reach"
        case .reply, .closed: nil
        }
    }

    private static let setCredentials = "set transport.proxy.username and transport.proxy.password"
    private static let checkCredentials = "check transport.proxy.username and transport.proxy.password"

    private static let replies: [UInt8: String] = [
        1: "it failed (general SOCKS server failure)",
        2: "its rules do not allow the connection",
        3: "it has no route to the engine's network",
        4: "it cannot reach the engine's host",
        5: "the engine refused its connection",
        6: "its packets to the engine expired on the way",
        7: "it does not support CONNECT",
        8: "it does not support this type of address",
    ]
}
