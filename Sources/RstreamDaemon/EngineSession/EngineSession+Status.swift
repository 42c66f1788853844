// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import Rstream
internal import RstreamAdmin
internal import RstreamCore
internal import RstreamModel

/// What a session publishes to the status store, and logs about its credential.
extension EngineSession {
    /// Publishes the session, after each event.
    func publish(_ state: State) {
        statusStore.update(
            id,
            SessionSnapshot(
                state: SessionStatus.State(state.session.state),
                clientID: state.channel?.clientID,
                attempt: state.session.attempt,
                nextAttemptAt: state.nextAttemptAt,
                error: state.session.outage,
                verification: state.client.options.transport.verification
            )
        )
    }

    /// Publishes the tunnel of that name, after a change of one of the tunnels that have it.
    func publish(_ name: String, _ state: State) {
        statusStore.update(id, tunnel: name, state.shown(name).map(TunnelSnapshot.init))
    }

    func checkToken(_ state: State, _ group: inout DiscardingTaskGroup) {
        let (client, events) = (state.client, send)
        group.addTask {
            // Reading the token may read a file.
            events.yield(.tokenSeen(await client.tokenExpiry()))
        }
    }

    func tokenSeen(_ expiry: TokenExpiry, _ state: inout State) {
        let end = expiry.end.map { UTCTime(sinceEpoch: .seconds($0)) }
        if state.client.options.credential.isCertificate {
            log(ofCertificate: state.token.checked(expiry), state)
            statusStore.note(id, note("client certificate", state.token.notice), certificateEnd: end)
        } else {
            log(ofToken: state.token.checked(expiry), state)
            statusStore.note(id, note("token", state.token.notice), tokenEnd: end)
        }
    }

    private func log(ofCertificate notice: TokenWatch.Notice?, _ state: State) {
        switch notice {
        case .endsWithinADay(let end):
            logger.warning("client certificate expires within a day", metadata: facts(end, fix: "renew it"))
        case .hasEnded(let end):
            let (level, facts) = (level(ofEnd: state), facts(end, fix: "renew it"))
            logger.log(level: level, "client certificate expired, the next connect will fail", metadata: facts)
        case nil: break
        }
    }

    private func log(ofToken notice: TokenWatch.Notice?, _ state: State) {
        switch notice {
        case .endsWithinADay(let end):
            logger.warning("token expires within a day", metadata: facts(end, fix: "replace it"))
        case .hasEnded(let end):
            let (level, facts) = (level(ofEnd: state), facts(end, fix: "replace it"))
            logger.log(level: level, "token expired, the next connect will fail", metadata: facts)
        case nil: break
        }
    }

    /// The level at which an expired credential is logged. A session that needs it at once has an outage, which says
    /// why.
    private func level(ofEnd state: State) -> Logger.Level { state.session.state == .online ? .warning : .info }

    private func facts(_ end: Int64, fix: String) -> Logger.Metadata {
        [LogKey.end: "\(UTCTime(seconds: end).toTheSecond)", LogKey.fix: "\(fix)"]
    }

    private func note(_ credential: String, _ notice: TokenWatch.Notice?) -> String? {
        switch notice {
        case .endsWithinADay(let end): "the \(credential) of \(context) expires at \(UTCTime(seconds: end).toTheSecond)"
        case .hasEnded: "the \(credential) of \(context) has expired"
        case nil: nil
        }
    }
}

extension RstreamClientOptions.Credential {
    fileprivate var isCertificate: Bool {
        switch self {
        case .clientCertificate, .hardwareKey, .clientCertificatePEM: true
        case .token, .tokenProvider, .tokenFile, .application, .none: false
        }
    }
}

extension SessionStatus.State {
    /// The state as the admin API has it (contract §4): a session that changes to another channel is connecting, one
    /// that drains is still online.
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

extension TunnelStatus.State {
    /// The state as the admin API has it (contract §4). From here on the status store, events, metrics and `rstreamctl`
    /// carry this word; ``TunnelEntry/state`` adds what only the configuration and a stop know.
    init(_ state: TunnelStateMachine.State) {
        self =
            switch state {
            case .pending: .pending
            case .opening: .opening
            case .online: .online
            case .rejected: .rejected
            case .draining: .draining
            case .closed: .closed
            }
    }
}

extension TunnelSnapshot {
    init(_ tunnel: SessionTunnel) {
        let machine = tunnel.machine
        // Asking again every few seconds is no change of its state.
        state = machine.isOnStandby ? .standby : TunnelStatus.State(machine.state)
        granted = machine.granted
        nextAttemptAt = machine.isWaiting ? tunnel.nextAttemptAt : nil
        // That another tunnel has the name is not wrong.
        error = machine.isOnStandby ? nil : machine.lastFailure?.error
    }
}
