// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamModel
import RstreamTestSupport
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
        #expect(store.view(of: ["web", "off", "suspended", "unknown"]).tunnels == ["web": false])
        #expect(store.expectedTunnels == ["web"])
    }

    @Test("has the tunnels that it is asked about, and no others")
    func asked() {
        let store = StatusStore(notifier: ServiceNotifier())
        store.configure(.sample("web"), .sample("ssh"))
        #expect(store.view(of: []).tunnels.isEmpty)
        #expect(store.view(of: ["ssh"]).tunnels == ["ssh": false])
        #expect(store.expectedTunnels == ["web", "ssh"])
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
        #expect(store.view(of: ["web"]).tunnels == ["web": isServed])
    }

    @Test("is due once for all changes until it is looked at")
    func notice() {
        let told = Observed(0)
        let changes = ChangeNotice { told.change { $0 += 1 } }
        for _ in 0..<1_000 { changes.changed() }
        #expect(told.value == 1)
        changes.seen()
        #expect(told.value == 1)
        for _ in 0..<1_000 { changes.changed() }
        #expect(told.value == 2)
    }
}
