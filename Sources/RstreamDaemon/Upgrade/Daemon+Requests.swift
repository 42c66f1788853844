// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamAdmin
internal import Synchronization

/// The request loop of a daemon that serves, and may hand over.
extension Daemon {
    /// Carries out requests until the stop. Returns what is to happen to the streams when a program has taken over.
    func takeRequests(
        _ reconciler: inout Reconciler,
        in group: inout DiscardingTaskGroup
    ) async -> Retirement? {
        var predecessor = Predecessor(
            Predecessor.Dependencies(
                program: program,
                standIn: standIn,
                adminListeners: adminListeners,
                state: dependencies.state,
                statusStore: statusStore,
                streams: streams,
                notifier: notifier,
                send: { [send] in send.yield(.upgrade($0)) },
                stop: { [send] in send.yield(.stop) },
                logger: logger
            ),
            timeouts: .init()
        )
        // What would change tunnels that are being handed over.
        var postponed: [Request] = []
        for await request in requests {
            switch request {
            case .stop:
                await predecessor.stop(&reconciler.running)
                return nil
            case .upgrade(let event): await predecessor.take(event, &reconciler.running)
            case .operatorRequest(.upgrade(let reply)): await predecessor.upgrade(reply, &reconciler.running)
            case .operatorRequest(let request) where predecessor.machine.isUnderWay && request.changesSomething:
                request.refuse(Problem(.busy, "an upgrade is under way"))
            case .reload where predecessor.defersReload(): break
            case .succession: break
            case .servabilityChanged where predecessor.machine.isUnderWay,
                .connectionEnded where predecessor.machine.isUnderWay,
                .timePassed where predecessor.machine.isUnderWay,
                // systemd takes the service's credentials away between two processes.
                .filesChanged where predecessor.machine.isUnderWay && predecessor.machine.isRestart:
                postponed.append(request)
            case .reload, .networkChanged, .filesChanged, .servabilityChanged, .operatorRequest, .connectionEnded,
                .timePassed, .probe:
                await reconciler.take(request, in: &group)
                running.withLock { $0 = reconciler.running.sessions }
            }
            if let retirement = predecessor.retirement { return retirement }
            if !postponed.isEmpty, !predecessor.machine.isUnderWay {
                for request in postponed { send.yield(request) }
                postponed = []
            }
            if predecessor.takeDeferredReload() { send.yield(.reload(.signal)) }
        }
        return nil
    }
}
