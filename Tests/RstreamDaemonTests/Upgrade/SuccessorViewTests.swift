// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import RstreamRelay
import Systemd
import Testing

@testable import RstreamDaemon

@Suite("What a program that takes over sees of itself")
struct SuccessorViewTests {
    private static func tunnel(_ name: String, isEnabled: Bool = true) -> ConfiguredTunnel {
        ConfiguredTunnel(
            name: name,
            context: "main",
            forward: "127.0.0.1:8080",
            properties: TunnelProperties(),
            isEnabled: isEnabled,
            ledger: StreamLedger()
        )
    }

    @Test("is every tunnel that is to be open: not one that is disabled, or closed until an upstream is healthy")
    func tunnels() {
        let store = StatusStore(notifier: ServiceNotifier())
        var suspended = Self.tunnel("suspended")
        suspended.suspension = RstreamError(
            code: .upstreamUnreachable,
            origin: .upstream,
            retry: .afterBackoff,
            what: "closed until an upstream is healthy: refused"
        )
        let tunnels = [Self.tunnel("web"), Self.tunnel("off", isEnabled: false), suspended]
        store.configure(files: [], tunnels: tunnels, contexts: ["main"], ledgers: tunnels.map(\.ledger))
        #expect(store.view.tunnels == ["web": false])
    }
}
