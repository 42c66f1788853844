import NIOHTTP1
import RstreamModel

extension AgentTunnel {
    /// What this tunnel's rules for visitors say about a request; nil when it may come in.
    func refusal(of target: RequestTarget, in session: VisitorSession) -> HTTPAnswer? {
        let (connection, engine) = (session.connection, session.engine)
        if target.method == .CONNECT {
            return .text(.methodNotAllowed, "This is no proxy for other hosts.")
        }
        guard session.hasMetTerms(of: self) else {
            return .text(
                .misdirectedRequest,
                "The TLS of this name is another one than that of the name in the handshake; connect anew."
            )
        }
        if !trusts(connection.source) {
            return .text(.forbidden, "Your address is not allowed here.")
        }
        if properties.mtlsAuth == true {
            if !engine.tls.isRegistered(connection.peerCertificate) {
                return .text(.unauthorized, "A registered client certificate is needed here.")
            }
            // Two proofs of who somebody is could be of two people.
            if target.showsLogin {
                return .text(.unauthorized, "A client certificate and the cookie rstream_auth exclude each other here.")
            }
        }
        if properties.tokenAuth == true, !engine.authentication.accepts(target.token(orQuery: true)) {
            var answer = HTTPAnswer.text(.unauthorized, "A token is needed here.")
            answer.headers = [("WWW-Authenticate", "Bearer")]
            return answer
        }
        return nil
    }
}
