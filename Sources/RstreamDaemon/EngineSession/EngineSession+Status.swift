internal import Logging
internal import Rstream
internal import RstreamAdmin
internal import RstreamCore
internal import RstreamModel

/// What a session says about itself: on the status board, and in the log about its token.
extension EngineSession {
    /// The session as a whole, as it is after an event.
    func publish(_ state: State) {
        board.update(
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
        board.update(id, tunnel: name, state.shown(name).map { TunnelFacts($0.machine) })
    }

    func lookAtToken(_ state: inout State) {
        let expiry = state.client.tokenExpiry()
        let news = state.token.looked(expiry)
        switch news {
        case .endsWithinADay(let end):
            logger.warning(
                "the token ends within a day",
                metadata: [LogKey.end: "\(RFC3339.text(end))", LogKey.fix: "replace it"]
            )
        case .hasEnded(let end):
            logger.warning(
                "the token has ended, the next connect will fail",
                metadata: [LogKey.end: "\(RFC3339.text(end))", LogKey.fix: "replace it"]
            )
        case nil: break
        }
        let note: String? =
            switch state.token.notice {
            case .endsWithinADay(let end): "the token of \(context) ends at \(RFC3339.text(end))"
            case .hasEnded: "the token of \(context) has ended"
            case nil: nil
            }
        board.note(id, note, tokenEnd: expiry.end.map { UTCTime(sinceEpoch: .seconds($0)) })
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
    init(_ machine: TunnelStateMachine) {
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
        error = machine.lastFailure
    }
}
