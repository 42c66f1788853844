// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamTestSupport
import Testing

extension Integration.ServiceTests {
    @Test(
        "a take-over moves the unit to the new process: never dead, supervised, stopped with what it took over from",
        arguments: SystemdGuest.Debian.all
    )
    func upgrade(on debian: SystemdGuest.Debian) async throws {
        try await Pair.withFolder { folder in
            let facts = Facts(
                try await SystemdGuest.run(
                    ServiceSite.script + """
                        main() { systemctl show -P MainPID rstreamd; }
                        for _ in 1 2 3; do
                            before=$(main)
                            rstreamctl upgrade >/dev/null || echo "refused=yes"
                            [ "$(main)" != "$before" ] || echo "stayed=yes"
                        done
                        visit page
                        echo "parent=$(sed -n 's/^PPid:\\t//p' /proc/$(main)/status)"
                        echo "active=$(systemctl is-active rstreamd)"
                        echo "restarts=$(systemctl show -P NRestarts rstreamd)"
                        echo "status=$(systemctl show -P StatusText rstreamd)"
                        systemctl reload rstreamd && echo reloaded=yes
                        # The watchdog watches the new process: longer than WatchdogSec=.
                        sleep 35
                        echo "later=$(systemctl is-active rstreamd) $(systemctl show -P NRestarts rstreamd)"
                        echo 'bogus: 1' >>/etc/rstream/tunnels.d/web.yaml
                        kept=$(main)
                        rstreamctl upgrade >/dev/null 2>&1 && echo broken=taken || echo broken=refused
                        [ "$(main)" = "$kept" ] && echo kept=yes
                        tunnel 8080
                        systemctl kill --kill-whom=main --signal=KILL rstreamd
                        timeout 90 bash -c 'until [ "$(systemctl show -P NRestarts rstreamd)" = 1 ]; do sleep 0.1; done'
                        rstreamctl wait --timeout 90s >/dev/null && echo restarted=yes
                        rstreamctl upgrade >/dev/null && echo again=yes
                        systemctl stop rstreamd
                        # systemd waits for the main process; the one that was taken over from ends with the daemon.
                        timeout 5 bash -c 'while pgrep rstreamd >/dev/null; do sleep 0.01; done' && echo left=none
                        echo "result=$(systemctl show -P Result rstreamd)"
                        journalctl --sync
                        journalctl -u rstreamd -o cat | grep -c 'not our child' | sed 's/^/alien=/' || true
                        """,
                    in: folder,
                    debian: debian,
                    packages: try await DebianPackages.folder()
                )
            )
            #expect(facts["refused"] == nil)
            #expect(facts["stayed"] == nil)
            #expect(facts["page"] == "page")
            #expect(facts["parent"] == "1", "systemd sees its end")
            #expect(facts["active"] == "active")
            #expect(facts["restarts"] == "0")
            #expect(facts["status"] == "1 of 1 tunnels online")
            #expect(facts["reloaded"] == "yes")
            #expect(facts["later"] == "active 0", "the watchdog is fed")
            #expect(facts["broken"] == "refused")
            #expect(facts["kept"] == "yes")
            #expect(facts["restarted"] == "yes")
            #expect(facts["again"] == "yes")
            #expect(facts["left"] == "none")
            #expect(facts["result"] == "success")
        }
    }
}
