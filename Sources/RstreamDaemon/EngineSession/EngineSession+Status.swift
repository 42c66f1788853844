internal import Linux
internal import Logging
internal import Rstream
internal import RstreamAdmin
internal import RstreamCore
internal import RstreamModel

/// What a session says about itself: on the status store, and in the log about its credential.
extension EngineSession {
    /// The session as a whole, as it is after an event.
    func publish(_ state: State) {
        statusStore.update(
            id,
            SessionFacts(
                state: SessionStatus.State(state.session.state),
                clientID: state.channel?.clientID,
                attempt: state.session.attempt,
                nextAttemptAt: state.nextAttemptAt,
                error: state.session.outage,
                verification: state.client.options.transport.verification
            )
        )
    }

    /// The tunnel of that name, after something happened to one of the tunnels that have it.
    func publish(_ name: String, _ state: State) {
        statusStore.update(id, tunnel: name, state.shown(name).map(TunnelFacts.init))
    }

    func lookAtToken(_ state: State, _ group: inout DiscardingTaskGroup) {
        let (client, events) = (state.client, send)
        group.addTask {
            // May be in a file.
            events.yield(.tokenSeen(await client.tokenExpiry()))
        }
    }

    func tokenSeen(_ expiry: TokenExpiry, _ state: inout State) {
        let end = expiry.end.map { UTCTime(sinceEpoch: .seconds($0)) }
        if state.client.options.credential.isCertificate {
            tell(ofCertificate: state.token.looked(expiry), state)
            statusStore.note(id, note("client certificate", state.token.notice), certificateEnd: end)
        } else {
            tell(ofToken: state.token.looked(expiry), state)
            statusStore.note(id, note("token", state.token.notice), tokenEnd: end)
        }
    }

    private func tell(ofCertificate news: TokenWatch.Notice?, _ state: State) {
        switch news {
        case .endsWithinADay(let end):
            logger.warning("client certificate expires within a day", metadata: facts(end, fix: "renew it"))
        case .hasEnded(let end):
            let (level, facts) = (level(ofEnd: state), facts(end, fix: "renew it"))
            logger.log(level: level, "client certificate expired, the next connect will fail", metadata: facts)
        case nil: break
        }
    }

    private func tell(ofToken news: TokenWatch.Notice?, _ state: State) {
        switch news {
        case .endsWithinADay(let end):
            logger.warning("token expires within a day", metadata: facts(end, fix: "replace it"))
        case .hasEnded(let end):
            let (level, facts) = (level(ofEnd: state), facts(end, fix: "replace it"))
            logger.log(level: level, "token expired, the next connect will fail", metadata: facts)
        case nil: break
        }
    }

    /// How important it is that a credential has ended. A session that needs it at once has an outage, and says why.
    private func level(ofEnd state: State) -> Logger.Level { state.session.state == .online ? .warning : .info }

    private func facts(_ end: Int64, fix: String) -> Logger.Metadata {
        [LogKey.end: "\(RFC3339.text(end))", LogKey.fix: "\(fix)"]
    }

    private func note(_ credential: String, _ notice: TokenWatch.Notice?) -> String? {
        switch notice {
        case .endsWithinADay(let end): "the \(credential) of \(context) ends at \(RFC3339.text(end))"
        case .hasEnded: "the \(credential) of \(context) has ended"
        case nil: nil
        }
    }
}

extension RstreamClientOptions.Credential {
    fileprivate var isCertificate: Bool {
        switch self {
        case .clientCertificate, .clientCertificatePEM: true
        case .token, .tokenProvider, .tokenFile, .application, .none: false
        }
    }
}

extension SessionStatus.State {
    /// The contract's word for it: a session that is on its way to another channel connects, one that lets its streams
    /// end is still online.
    init(_ state: SessionStateMachine.State) {
        self =
            switch state {
            case .idle, .connecting, .renewing: .connecting
            case .online, .draining: .online
            case .waiting: .waiting
            case .rejected: .rejected
            case .closed: .closed
            }
    }
}

extension TunnelFacts {
    init(_ tunnel: SessionTunnel) {
        let machine = tunnel.machine
        state =
            switch machine.state {
            case .pending: .pending
            case .opening: .opening
            case .online: .online
            case .rejected: .rejected
            case .draining: .draining
            case .closed: .closed
            }
        granted = machine.granted
        nextAttemptAt = machine.isWaiting ? tunnel.nextAttemptAt : nil
        error = machine.lastFailure?.error
    }
}
