// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin

/// `POST /v1/tunnels/{name}/claim`: a tunnel by hand that has lost its connection by a take-over is to belong to the
/// connection of this call.
struct TunnelClaim: Sendable {
    let tunnel: String
    /// Who asks.
    let peer: Peer
    let connection: ClientConnection

    init(_ tunnel: String, of call: HTTPCall) throws(Problem) {
        guard let connection = call.connection, call.keepsAlive else {
            throw Problem(
                .badRequest,
                "a tunnel lasts as long as its connection, and this request ends that (Connection: close); keep it"
            )
        }
        (self.tunnel, self.connection) = (tunnel, connection)
        peer = call.peer
    }
}

/// What became of a ``TunnelClaim``.
enum TunnelClaiming: Hashable, Sendable {
    case claimed
    /// It is a tunnel of the files, defined there.
    case ofFiles(String)
    case unknown
    case refused(TunnelsByHand.ClaimRefusal)
}

extension Problem {
    /// Nil where there is no such tunnel.
    init?(_ refusal: TunnelsByHand.ClaimRefusal, of peer: Peer) {
        switch refusal {
        case .unknown: return nil
        case .otherUser(let owner):
            self.init(.forbidden, "the tunnel was opened by user \(owner), and user \(peer.user) may not claim it")
        case .detached:
            self.init(.conflict, "the tunnel is detached, it belongs to no connection")
        case .owned:
            self.init(.conflict, "the tunnel belongs to a connection that is open")
        }
    }
}
