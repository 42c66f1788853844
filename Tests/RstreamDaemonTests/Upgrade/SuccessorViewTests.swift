// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamModel
import Systemd
import Testing

@testable import RstreamDaemon

@Suite("What a program that takes over sees of itself")
struct SuccessorViewTests {
    @Test("is every tunnel that is to be open: not one that is disabled, or closed until an upstream is healthy")
    func tunnels() {
        let store = StatusStore(notifier: ServiceNotifier())
        var suspended = ConfiguredTunnel.sample("suspended")
        suspended.suspension = RstreamError(
            code: .upstreamUnreachable,
            origin: .upstream,
            retry: .afterBackoff,
            what: "closed until an upstream is healthy: refused"
        )
        store.configure(.sample("web"), .sample("off", isEnabled: false), suspended)
        #expect(store.view.tunnels == ["web": false])
    }

    @Test(
        "has a tunnel that is served, by itself or by another host that got its name in between",
        arguments: [
            TunnelStatus.State.online: true, .standby: true, .opening: false, .pending: false, .rejected: false,
        ]
    )
    func served(state: TunnelStatus.State, isServed: Bool) {
        let store = StatusStore(notifier: ServiceNotifier())
        store.configure(.sample("web"))
        store.update(StatusStore.SessionID(number: 1), tunnel: "web", TunnelSnapshot(state: state))
        #expect(store.view.tunnels == ["web": isServed])
    }
}
