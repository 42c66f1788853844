// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamTestSupport
import Testing

extension Integration {
    /// systemd's watchdog: it restarts a daemon that stands still, and no other.
    @Suite(
        .enabled(if: DebianPackages.arePossible, "\(DebianPackages.needs)"),
        .timeLimit(.minutes(10))
    )
    struct WatchdogTests {
        @Test("an event loop or the request loop that stalls is logged, and the daemon is restarted")
        func stuck() async throws {
            try await Pair.withFolder { folder in
                let facts = Facts(
                    try await SystemdGuest.run(
                        ServiceSite.script + """
                            echo "timeout=$(systemctl show -P WatchdogUSec rstreamd)"
                            # A debug build: the one that is shipped cannot be told to stand still.
                            cat >/etc/systemd/system/rstreamd.service.d/debug.conf <<'UNIT'
                            [Service]
                            ExecStart=
                            ExecStart=/opt/build/rstreamd
                            Environment=LD_LIBRARY_PATH=/opt/swift
                            WatchdogSec=10s
                            RestartSec=100ms
                            UNIT
                            systemctl daemon-reload
                            restarts=0
                            for signal in USR1 ALRM; do
                                systemctl restart rstreamd
                                rstreamctl wait --timeout 90s >/dev/null
                                systemctl kill --kill-whom=main --signal=$signal rstreamd
                                timeout 90 bash -c 'until [ "$(systemctl show -P NRestarts rstreamd)" = 1 ]; do sleep 0.1; done'
                                rstreamctl wait --timeout 90s >/dev/null
                                visit "page after $signal"
                            done
                            journalctl --sync
                            journalctl -u rstreamd -o cat SYSLOG_IDENTIFIER=rstreamd | sed -n 's/^daemon stalled part=/part=/p'
                            journalctl -u rstreamd -o cat | sed -n "s/^rstreamd.service: Failed with result '/result=/p"
                            """,
                        in: folder,
                        packages: try await DebianPackages.folder(),
                        places: ["/opt/build": Binaries.buildFolder, "/opt/swift": try Binaries.swiftLibraries()]
                    )
                )
                #expect(facts["timeout"] == "30s", "as it is shipped")
                #expect(facts["page after USR1"] == "page")
                #expect(facts["page after ALRM"] == "page")
                #expect(facts.all("part").count == 2)
                #expect(facts.all("part").first?.contains("event loop") == true, "\(facts.all("part"))")
                #expect(facts.all("part").last == "\"request loop\"")
                #expect(facts.all("result") == ["watchdog'.", "watchdog'."])
            }
        }

        @Test(
            "an engine that is silent, gone or out of reach for longer than the watchdog waits restarts nothing"
        )
        func engineGone() async throws {
            try await Pair.withFolder { folder in
                let facts = Facts(
                    try await SystemdGuest.run(
                        ServiceSite.script + """
                            printf '[Service]\\nWatchdogSec=5s\\n' >/etc/systemd/system/rstreamd.service.d/watchdog.conf
                            systemctl daemon-reload
                            systemctl restart rstreamd
                            rstreamctl wait --timeout 90s >/dev/null
                            pid=$(systemctl show -P MainPID rstreamd)
                            told() { systemctl show -P WatchdogTimestampMonotonic rstreamd; }
                            # Signs of life over three times as long as may be between two of them.
                            survives() {
                                local start=$(told)
                                timeout 90 bash -c '
                                    until [ $(($(systemctl show -P WatchdogTimestampMonotonic rstreamd) - '$start')) -gt 15000000 ]
                                    do sleep 0.1; done'
                                rstreamctl wait --timeout 0s >/dev/null 2>&1 && echo "$1=online" || echo "$1=waiting"
                            }
                            systemctl kill --signal=STOP engine
                            survives silent
                            systemctl kill --signal=KILL engine
                            survives gone
                            ip link set lo down
                            survives unreachable
                            ip link set lo up
                            [ "$(systemctl show -P MainPID rstreamd)" = "$pid" ] && echo process=same
                            echo "restarts=$(systemctl show -P NRestarts rstreamd)"
                            engine
                            rstreamctl wait --timeout 90s >/dev/null
                            visit page
                            """,
                        in: folder,
                        packages: try await DebianPackages.folder()
                    )
                )
                // An engine that is only silent is missed when its heartbeats are.
                #expect(["online", "waiting"].contains(facts["silent"]))
                #expect(facts["gone"] == "waiting")
                #expect(facts["unreachable"] == "waiting")
                #expect(facts["process"] == "same")
                #expect(facts["restarts"] == "0")
                #expect(facts["page"] == "page")
            }
        }
    }
}
