// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import NIOCore
internal import RstreamCore
internal import RstreamModel
internal import RstreamSocket

/// What callers ask of a control channel, and what the host reports to it.
extension ControlChannelHandler {
    func openTunnel(
        requestID: RequestID,
        _ properties: TunnelProperties,
        acceptor: any StreamAcceptor
    ) -> EventLoopFuture<TunnelGrant> {
        let promise = (context?.eventLoop ?? group.any()).makePromise(of: TunnelGrant.self)
        requests[requestID] = (promise, acceptor)
        let timer = schedule(timeouts.answer) {
            self.abandonTunnel(
                requestID: requestID,
                RstreamError(
                    code: .operationTimeout,
                    origin: .engine,
                    retry: .afterBackoff,
                    what: "the engine did not answer the tunnel request within \(self.timeouts.answer.secondsText)"
                )
            )
        }
        promise.futureResult.whenComplete { _ in timer?.cancel() }
        run(machine.tunnelRequested(requestID, properties), requestID)
        return promise.futureResult
    }

    func abandonTunnel(requestID: RequestID, _ error: RstreamError) {
        guard let request = requests.removeValue(forKey: requestID) else { return }
        machine.tunnelAbandoned(requestID)
        request.promise.fail(error)
    }

    func closeTunnel(_ tunnelID: String) {
        // The caller stops taking streams of this tunnel, those that are being opened included.
        cancelHandshakes(of: tunnelID, Self.tunnelClosed)
        run(machine.tunnelCloseRequested(tunnelID))
    }

    /// Changes how many streams may be in their handshake, and wait for it.
    func limit(_ limits: RstreamClientOptions.Limits) {
        for action in machine.limitsChanged(
            openingStreams: limits.openingStreams,
            pendingStreams: limits.pendingStreams
        ) {
            run(action)
        }
    }

    /// The host's addresses or routes changed, or it was suspended. `checked` succeeds when it is known whether the host
    /// still has the connection's own address.
    func networkChanged(_ checked: EventLoopPromise<Void>) {
        guard let context, !hasEnded else { return checked.succeed() }
        engineHalves.networkChanged()
        guard let address = context.channel.localAddress?.ipAddress.flatMap({ IPAddress($0) }) else {
            run(machine.networkChanged(at: .now))
            return checked.succeed()
        }
        BlockingThreads.kernel.run(on: context.eventLoop) { LocalAddresses.has(address) }
            .assumeIsolated().whenComplete { result in
                if case .success(false) = result {
                    self.addressGone()
                } else {
                    self.run(self.machine.networkChanged(at: .now))
                }
                checked.succeed()
            }
    }

    private func addressGone() {
        failure = failure ?? LocalAddressGone()
        run(machine.connectionLost(lossError))
    }

    /// Drops the connection without telling the engine.
    func abort() {
        run(machine.abortRequested())
    }

    func close() {
        run(machine.closeRequested())
    }
}
