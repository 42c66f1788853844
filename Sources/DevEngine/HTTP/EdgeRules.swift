// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOHTTP1
import RstreamModel

extension AgentTunnel {
    /// Why this tunnel refuses a visitor's request; nil if it is accepted.
    func refusal(of target: RequestTarget, in session: VisitorSession) -> HTTPResponse? {
        let (connection, engine) = (session.connection, session.engine)
        if target.method == .CONNECT {
            return .text(.methodNotAllowed, "This is not a proxy.")
        }
        guard session.meetsTLSSettings(of: self) else {
            return .text(
                .misdirectedRequest,
                "This host has other TLS settings than the one in the TLS handshake; use a new connection."
            )
        }
        if !trusts(connection.source) {
            return .text(.forbidden, "Your address is not allowed.")
        }
        if properties.mtlsAuth == true {
            if !engine.tls.isRegistered(connection.peerCertificate) {
                return .text(.unauthorized, "A registered client certificate is required.")
            }
            // The two credentials could belong to different people.
            if target.showsLogin {
                return .text(.unauthorized, "A client certificate and the cookie rstream_auth exclude each other.")
            }
        }
        if properties.tokenAuth == true, !engine.authentication.accepts(target.token(orQuery: true)) {
            var answer = HTTPResponse.text(.unauthorized, "A token is required.")
            answer.headers = [("WWW-Authenticate", "Bearer")]
            return answer
        }
        return nil
    }
}
