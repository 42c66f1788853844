// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import Rstream
internal import RstreamCore
internal import RstreamModel

/// Carries out what ``SessionStateMachine`` and the ``TunnelStateMachine`` of each tunnel decided.
extension EngineSession {
    /// Stores the schedule for the next process; this one may end at any moment.
    func storeSchedule(_ state: inout State) {
        guard let reconnects, let place = state.place else { return }
        let now = UTCTime.now
        let wait = state.nextAttemptAt.map { now.duration(to: $0) }
        reconnects.store.set(state.session.schedule(at: now, wait: wait, using: &state.random), of: place)
    }

    /// Where the schedule is stored. Nil when the credential's files cannot be read in time: then nothing is stored.
    func findPlace() async -> ReconnectStore.Key? {
        guard let context = reconnects?.context else { return nil }
        let engine = "\(client.options.engine)"
        return await BlockingThreads.files.run(within: Self.fileTimeout) {
            ReconnectStore.Key(context, engine: engine)
        }
    }

    /// Lets the machine of a tunnel decide, carries out its actions, and publishes the tunnel.
    func decide(
        _ key: TunnelKey,
        _ state: inout State,
        _ group: inout DiscardingTaskGroup,
        _ decision: (inout TunnelStateMachine, inout SystemRandomNumberGenerator) -> [TunnelStateMachine.Action]
    ) {
        guard var tunnel = state.tunnels[key] else { return }
        let actions = decision(&tunnel.machine, &state.random)
        state.tunnels[key] = tunnel
        perform(actions, key, &state, &group)
        if tunnel.machine.state == .closed { run(state.sessionTunnels.closed(key), &state, &group) }
        publish(tunnel.name, state)
    }

    func perform(
        _ actions: [SessionStateMachine.Action],
        _ state: inout State,
        _ group: inout DiscardingTaskGroup
    ) {
        let send = send
        for action in actions {
            switch action {
            case .connect:
                state.attempt += 1
                state.nextAttemptAt = nil
                storeSchedule(&state)
                let (client, attempt) = (state.client, state.attempt)
                logger.debug(
                    "connecting",
                    metadata: [LogKey.attempts: .stringConvertible(state.session.attempt)]
                )
                group.addTask {
                    do throws(RstreamError) {
                        send.yield(.connected(attempt: attempt, try await client.connect()))
                    } catch {
                        send.yield(.connectFailed(attempt: attempt, error))
                    }
                }
            case .scheduleRetry(let generation, let after, let change):
                state.nextAttemptAt = UTCTime.now.advanced(by: after)
                storeSchedule(&state)
                state.retry.set(after) { send.yield(.retryTimerFired(generation: generation)) }
                log(change, retryIn: after, &state)
            case .closeChannel:
                guard let channel = state.channel else { return }
                group.addTask { await channel.close() }
            case .outageEnded(let attempts): logRecovery(after: attempts, &state)
            case .finished: break
            }
        }
    }

    func perform(
        _ actions: [TunnelStateMachine.Action],
        _ key: TunnelKey,
        _ state: inout State,
        _ group: inout DiscardingTaskGroup
    ) {
        guard let tunnel = state.tunnels[key] else { return }
        let (name, acceptor) = (tunnel.name, tunnel.acceptor)
        let (epoch, send) = (state.epoch, send)
        for action in actions {
            switch action {
            case .open(let properties):
                guard let channel = state.channel else { return }
                logger.debug("opening tunnel", metadata: [LogKey.tunnel: "\(name)"])
                group.addTask {
                    do throws(RstreamError) {
                        let opened = try await channel.openTunnel(properties, acceptor: acceptor)
                        send.yield(.tunnelOpened(epoch: epoch, key, opened))
                    } catch {
                        guard await !channel.hasEnded() else { return }
                        send.yield(.tunnelFailed(epoch: epoch, key, error))
                    }
                }
            case .scheduleRetry(let generation, let after, let failure):
                state.tunnels[key]?.nextAttemptAt = UTCTime.now.advanced(by: after)
                tunnel.retry.set(after) { send.yield(.tunnelTimerFired(key, generation: generation)) }
                // The engine has answered, and there is nothing else to do.
                if tunnel.machine.isOnStandby { serving(&state, &group) }
                guard let failure else { continue }
                // Published before it is logged: a reader of the line may get the status at once.
                publish(name, state)
                log(failure, of: name, key, retryIn: after, &state)
            case .close(let tunnelID):
                state.channel?.closeTunnel(tunnelID)
            case .opened(let properties, let opening):
                tunnel.address.keep(tunnel.machine)
                state.causes.recovered(key)
                publish(name, state)
                log(opening, of: name, properties)
                serving(&state, &group)
            }
        }
    }
}
