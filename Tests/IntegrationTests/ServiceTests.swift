import RstreamTestSupport
import Testing

extension Integration {
    /// The installed service under systemd: its sandbox, its credentials, its reload.
    @Suite(
        .enabled(if: DebianPackages.arePossible, "\(DebianPackages.needs)"),
        .timeLimit(.minutes(10))
    )
    struct ServiceTests {
        @Test(
            "a visitor's page comes through, with a token that only systemd reads",
            arguments: SystemdGuest.Debian.all
        )
        func traffic(on debian: SystemdGuest.Debian) async throws {
            try await Pair.withFolder { folder in
                let facts = Facts(
                    try await SystemdGuest.run(
                        ServiceSite.script + """
                            visit page
                            echo "status=$(systemctl show -P StatusText rstreamd)"
                            systemctl status rstreamd | sed -n 's/^ *Status: /shown=/p'
                            echo "user=$(stat -c %U /proc/$(systemctl show -P MainPID rstreamd))"
                            """,
                        in: folder,
                        debian: debian,
                        packages: try await DebianPackages.folder()
                    )
                )
                #expect(facts["page"] == "page")
                #expect(facts["status"] == "1 of 1 tunnels online")
                #expect(facts["shown"] == "\"1 of 1 tunnels online\"")
                #expect(facts["user"] == "rstream")
            }
        }

        @Test("the token is not in the journal, the unit, /proc, any answer of rstreamctl, or a core dump")
        func secrets() async throws {
            try await Pair.withFolder { folder in
                let facts = Facts(
                    try await SystemdGuest.run(
                        ServiceSite.script + Self.search,
                        in: folder,
                        packages: try await DebianPackages.folder()
                    )
                )
                #expect(facts.all("told") == ["file"], "found where it has to be, and nowhere else")
                #expect(facts["dumped by default"] == "no")
                #expect(facts["filter"] == "00000010")
                #expect(facts["dumped"] == "yes", "the kernel's core_pattern is \(facts["pattern"] ?? "")")
                #expect(facts["dumped again"] == "yes")
                #expect(facts["whole memory"] == "yes")
            }
        }

        /// Everything that can be looked at; once the search itself is tried, where the token has to be.
        private static let search = """
            told() { grep -a \(ServiceSite.token) >/dev/null && echo "told=$1" || true; }
            told file </etc/rstream/token

            cat >/etc/systemd/system/rstreamd.service.d/core.conf <<'UNIT'
            [Service]
            LimitCORE=infinity
            WorkingDirectory=/var/lib/rstreamd
            UNIT
            systemctl daemon-reload
            systemctl restart rstreamd
            rstreamctl wait --timeout 30s >/dev/null
            rstreamctl log-level trace >/dev/null
            rstreamctl reconnect >/dev/null
            rstreamctl wait --timeout 30s >/dev/null
            echo 'bogus: 1' >>/etc/rstream/tunnels.d/web.yaml
            systemctl reload rstreamd 2>/dev/null || true
            tunnel 8080
            systemctl reload rstreamd

            pid=$(systemctl show -P MainPID rstreamd)
            for what in status tunnels streams config metrics doctor 'events --tunnel web'; do
                (rstreamctl $what || true; rstreamctl -o json $what || true) 2>&1 | told "rstreamctl $what"
            done
            rstreamctl doctor --bundle /tmp/bundle >/dev/null 2>&1 || true
            told bundle </tmp/bundle
            systemctl show rstreamd | told 'systemctl show'
            systemctl cat rstreamd | told 'systemctl cat'
            for file in cmdline environ comm status maps mountinfo; do told "/proc: $file" </proc/$pid/$file; done
            cat /proc/$pid/task/*/comm | told 'names of threads'
            find /var/lib/rstreamd -type f -exec cat {} + | told state

            echo "pattern=$(cat /proc/sys/kernel/core_pattern)"
            crash() { # how often it was restarted then
                systemctl kill --kill-whom=main --signal=SEGV rstreamd
                timeout 30 bash -c 'until [ "$(systemctl show -P NRestarts rstreamd)" = '$1' ]; do sleep 0.1; done'
                rstreamctl wait --timeout 30s >/dev/null
                ls /var/lib/rstreamd/core* >/dev/null 2>&1
            }
            crash 1 && echo 'dumped by default=yes' || echo 'dumped by default=no'
            echo 'debug: { coreDumps: yes }' >>/etc/rstream/rstreamd.yaml
            systemctl reload rstreamd
            echo "filter=$(cat /proc/$(systemctl show -P MainPID rstreamd)/coredump_filter)"
            crash 2 && echo dumped=yes
            cat /var/lib/rstreamd/core* | told 'core dump'
            rm -f /var/lib/rstreamd/core*
            echo 0x33 >/proc/$(systemctl show -P MainPID rstreamd)/coredump_filter
            crash 3 && echo 'dumped again=yes'
            # That memory is in it at all shows something else: secrets' own pages are not.
            cat /var/lib/rstreamd/core* | grep -a localhost:7000 >/dev/null && echo 'whole memory=yes'
            journalctl --sync
            journalctl -u rstreamd -o export | told journal
            """

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
                #expect(facts["said"]?.hasPrefix("nobody listens at /run/rstreamd/admin.sock: process ") == true)
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
            timeout 30 bash -c 'until [ "$(systemctl show -P NRestarts rstreamd)" = 1 ]; do sleep 0.1; done'
            rstreamctl --socket $moved wait --timeout 30s >/dev/null
            tunnel 9004
            reload crashed $moved

            export url=$(rstreamctl -o json tunnels web | grep -o 'https://[^"]*' | head -n1)
            get() { curl -s --fail --cacert /etc/rstream/ca.pem --resolve "${url#https://}:127.0.0.1" "$url/"; }
            export -f get
            admin '{ socket: none }'
            systemctl reload rstreamd
            tunnel 8080
            systemctl reload rstreamd
            echo "without=$(timeout 30 bash -c 'until get; do sleep 0.1; done')"
            [ -e $usual ] || [ -e $moved ] || echo socket=none
            journalctl --sync
            journalctl -u rstreamd SYSLOG_IDENTIFIER=rstreamctl -o cat | tail -n1 | sed 's/^/said=/'
            sed -i '/^admin:/d' /etc/rstream/rstreamd.yaml
            systemctl reload rstreamd
            timeout 30 bash -c "until [ -S $usual ]; do sleep 0.1; done"
            reload back $usual
            """

        @Test("started without a network it is ready at once, and opens its tunnels when there is one")
        func bootsWithoutNetwork() async throws {
            try await Pair.withFolder { folder in
                let facts = Facts(
                    try await SystemdGuest.run(
                        ServiceSite.script + """
                            systemctl stop rstreamd
                            # The engine and the upstream stay; it is the way to them that is gone, name resolution too.
                            ip link set lo down
                            cp /etc/hosts /tmp/hosts
                            echo '# none' >/etc/hosts
                            started=$(date +%s%N)
                            timeout 20 systemctl start rstreamd
                            echo "ready after=$((($(date +%s%N) - started) / 1000000))"
                            rstreamctl wait --timeout 500ms >/dev/null 2>&1 && echo without=online || echo without=waiting
                            cat /tmp/hosts >/etc/hosts
                            ip link set lo up
                            rstreamctl wait --timeout 60s >/dev/null
                            echo "status=$(systemctl show -P StatusText rstreamd)"
                            echo "restarts=$(systemctl show -P NRestarts rstreamd)"
                            """,
                        in: folder,
                        packages: try await DebianPackages.folder()
                    )
                )
                // A tenth of a second where nothing else runs, and no timeout of the network's.
                let milliseconds = try #require(facts["ready after"].flatMap { Int($0) })
                #expect(milliseconds < 4_000)
                #expect(facts["without"] == "waiting")
                #expect(facts["status"] == "1 of 1 tunnels online")
                #expect(facts["restarts"] == "0")
            }
        }

        @Test("the sandbox denies what the daemon does not need", arguments: SystemdGuest.Debian.all)
        func sandbox(on debian: SystemdGuest.Debian) async throws {
            try await Pair.withFolder { folder in
                // A program in the daemon's place, in the unit as it is shipped.
                try folder.write(Self.probe, to: "probe", mode: 0o755)
                let output = try await SystemdGuest.run(
                    DebianPackages.install + """
                        useradd --create-home alice
                        echo secret >/home/alice/file
                        chmod -R a+rX /home/alice
                        cp /opt/files/probe /usr/local/bin/
                        chmod 755 /usr/local/bin/probe
                        mkdir /etc/systemd/system/rstreamd.service.d
                        cat >/etc/systemd/system/rstreamd.service.d/probe.conf <<'UNIT'
                        [Service]
                        Type=oneshot
                        ExecStart=
                        ExecStart=/usr/local/bin/probe
                        Restart=no
                        StandardOutput=file:/tmp/found
                        UNIT
                        systemctl daemon-reload
                        systemctl restart rstreamd
                        cat /tmp/found
                        """,
                    in: folder,
                    debian: debian,
                    packages: try await DebianPackages.folder()
                )
                #expect(output.filter { $0.hasPrefix("allowed ") } == Self.allowed.map { "allowed \($0)" })
                #expect(output.filter { $0.hasPrefix("denied ") } == Self.denied.map { "denied \($0)" })
            }
        }

        private static let allowed = [
            "writing its state", "writing its runtime directory", "writing a temporary file of its own",
            "reading its configuration", "reaching the journal", "no new privileges", "an empty bounding set",
            "a system call filter", "hiding other processes", "as many files as may be",
        ]

        private static let denied = [
            "writing its configuration", "writing a program", "writing another's state", "reading a home",
            "reading root's home", "reading the shadow file", "making a program that runs as another",
            "changing the owner to root", "mounting", "a namespace", "kernel parameters", "kernel messages",
            "devices", "another priority", "changing the host name",
        ]

        private static let probe =
            """
            #!/bin/bash
            can() {
                local what=$1
                shift
                if "$@" >/dev/null; then echo "allowed $what"; else echo "denied $what"; fi
            }
            status() { grep -qE "$1" /proc/self/status; }
            can 'writing its state' touch "$STATE_DIRECTORY/file"
            can 'writing its runtime directory' touch "$RUNTIME_DIRECTORY/file"
            can 'writing a temporary file of its own' touch /tmp/file
            can 'reading its configuration' cat /etc/rstream/rstreamd.yaml
            can "reaching the journal" test -S /run/systemd/journal/socket
            can 'no new privileges' status '^NoNewPrivs:\\s1$'
            can 'an empty bounding set' status '^CapBnd:\\s0+$'
            can 'a system call filter' status '^Seccomp:\\s2$'
            can 'hiding other processes' test ! -e /proc/1
            can 'as many files as may be' test "$(ulimit -Sn)" = "$(ulimit -Hn)"

            can 'writing its configuration' touch /etc/rstream/file
            can 'writing a program' touch /usr/local/bin/file
            can "writing another's state" touch /var/lib/file
            can 'reading a home' cat /home/alice/file
            can "reading root's home" ls /root
            can 'reading the shadow file' cat /etc/shadow
            can 'making a program that runs as another' chmod u+s "$STATE_DIRECTORY/file"
            can 'changing the owner to root' chown root "$STATE_DIRECTORY/file"
            can 'mounting' mount -t tmpfs none "$STATE_DIRECTORY"
            can 'a namespace' unshare --user true
            can 'kernel parameters' bash -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
            can 'kernel messages' dmesg
            can 'devices' test -e /dev/rtc0 -o -e /dev/mem
            can 'another priority' renice -n 5 $$
            can 'changing the host name' hostname other
            """
    }
}
