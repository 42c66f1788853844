// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamTestSupport
import Testing

extension Integration.ServiceTests {
    @Test("systemctl reload waits for the outcome, and fails with the reason when the daemon refuses")
    func reload() async throws {
        try await Pair.withFolder { folder in
            let facts = Facts(
                try await SystemdGuest.run(
                    ServiceSite.script + """
                        early=0
                        for number in {1..100}; do
                            tunnel $((9000 + number))
                            systemctl reload rstreamd
                            rstreamctl -o json tunnels web | grep -q "127.0.0.1:$((9000 + number))\\"" || early=$((early + 1))
                        done
                        echo "early=$early"
                        echo 'bogus: 1' >>/etc/rstream/tunnels.d/web.yaml
                        systemctl reload rstreamd 2>/dev/null && echo refused=no || echo "refused=yes"
                        echo "active=$(systemctl is-active rstreamd)"
                        echo "status=$(systemctl show -P StatusText rstreamd)"
                        rstreamctl -o json tunnels web | grep -q '127.0.0.1:9100"' && echo forward=kept
                        journalctl --sync
                        journalctl -u rstreamd SYSLOG_IDENTIFIER=rstreamctl -o cat >/tmp/said
                        grep -m1 error: /tmp/said | sed 's/^/reason=/'
                        """,
                    in: folder,
                    packages: try await DebianPackages.folder()
                )
            )
            #expect(facts["early"] == "0", "every reload was over when systemctl returned")
            #expect(facts["refused"] == "yes")
            #expect(facts["active"] == "active")
            #expect(facts["status"]?.contains("reload refused: /etc/rstream/tunnels.d/web.yaml:4") == true)
            #expect(facts["forward"] == "kept")
            #expect(facts["reason"]?.hasPrefix("/etc/rstream/tunnels.d/web.yaml:4:1: error: unknown key") == true)
        }
    }

    @Test(
        "systemctl reload works with the admin socket elsewhere, also after a crash, and without one",
        arguments: SystemdGuest.Debian.all
    )
    func reloadWithAnotherSocket(on debian: SystemdGuest.Debian) async throws {
        try await Pair.withFolder { folder in
            let facts = Facts(
                try await SystemdGuest.run(
                    ServiceSite.script + Self.anotherSocket,
                    in: folder,
                    debian: debian,
                    packages: try await DebianPackages.folder()
                )
            )
            let moves = ["moved", "applied", "restarted", "crashed"]
            for (index, name) in moves.enumerated() {
                #expect(facts[name] == "127.0.0.1:\(9001 + index)", "\(name)")
            }
            #expect(facts["usual"] == "/var/lib/rstreamd/moved.sock")
            #expect(facts["refused"] == "yes", "the outcome is waited for wherever the socket is")

            #expect(facts["without"] == "page", "a changed tunnel is applied without an admin socket")
            #expect(facts["socket"] == "none")
            #expect(facts["said"]?.hasPrefix("no daemon listens at /run/rstreamd/admin.sock: process ") == true)
            #expect(facts["back"] == "127.0.0.1:8080")
        }
    }

    /// `admin WHAT` says what the daemon's file has to say about the admin socket, `reload NAME SOCKET` reloads and tells
    /// where the tunnel leads then, as the daemon at SOCKET says.
    private static let anotherSocket = """
        admin() { sed -i '/^admin:/d' /etc/rstream/rstreamd.yaml; echo "admin: $1" >>/etc/rstream/rstreamd.yaml; }
        forward() { rstreamctl --socket "$1" -o json tunnels web | grep -o '127.0.0.1:[0-9]*' | head -n1; }
        reload() { systemctl reload rstreamd; echo "$1=$(forward "$2")"; }
        usual=/run/rstreamd/admin.sock moved=/var/lib/rstreamd/moved.sock

        admin "{ socket: $moved }"
        tunnel 9001
        reload moved $moved
        tunnel 9002
        reload applied $moved
        echo "usual=$(readlink $usual)"
        systemctl restart rstreamd
        tunnel 9003
        reload restarted $moved
        echo 'bogus: 1' >>/etc/rstream/tunnels.d/web.yaml
        systemctl reload rstreamd 2>/dev/null && echo refused=no || echo refused=yes

        # A daemon at the usual place that is killed leaves its socket there to the next one, which is elsewhere.
        tunnel 9003
        admin "{ socket: $usual }"
        systemctl restart rstreamd
        admin "{ socket: $moved }"
        systemctl kill --kill-whom=main --signal=KILL rstreamd
        timeout 90 bash -c 'until [ "$(systemctl show -P NRestarts rstreamd)" = 1 ]; do sleep 0.1; done'
        rstreamctl --socket $moved wait --timeout 90s >/dev/null
        tunnel 9004
        reload crashed $moved

        export url=$(rstreamctl -o json tunnels web | grep -o 'https://[^"]*' | head -n1)
        get() { curl -s --fail --cacert /etc/rstream/ca.pem --resolve "${url#https://}:127.0.0.1" "$url/"; }
        export -f get
        admin '{ socket: none }'
        systemctl reload rstreamd
        tunnel 8080
        systemctl reload rstreamd
        echo "without=$(timeout 90 bash -c 'until get; do sleep 0.1; done')"
        [ -e $usual ] || [ -e $moved ] || echo socket=none
        journalctl --sync
        journalctl -u rstreamd SYSLOG_IDENTIFIER=rstreamctl -o cat | tail -n1 | sed 's/^/said=/'
        sed -i '/^admin:/d' /etc/rstream/rstreamd.yaml
        systemctl reload rstreamd
        timeout 90 bash -c "until [ -S $usual ]; do sleep 0.1; done"
        reload back $usual
        """
}
