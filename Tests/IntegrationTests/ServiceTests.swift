// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

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
            rstreamctl wait --timeout 90s >/dev/null
            rstreamctl log-level trace >/dev/null
            rstreamctl reconnect >/dev/null
            rstreamctl wait --timeout 90s >/dev/null
            echo 'bogus: 1' >>/etc/rstream/tunnels.d/web.yaml
            systemctl reload rstreamd 2>/dev/null || true
            tunnel 8080
            systemctl reload rstreamd

            pid=$(daemon)
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
                timeout 90 bash -c 'until [ "$(systemctl show -P NRestarts rstreamd)" = '$1' ]; do sleep 0.1; done'
                rstreamctl wait --timeout 90s >/dev/null
                ls /var/lib/rstreamd/core* >/dev/null 2>&1
            }
            crash 1 && echo 'dumped by default=yes' || echo 'dumped by default=no'
            echo 'debug: { coreDumps: yes }' >>/etc/rstream/rstreamd.yaml
            systemctl reload rstreamd
            echo "filter=$(cat /proc/$(daemon)/coredump_filter)"
            crash 2 && echo dumped=yes
            cat /var/lib/rstreamd/core* | told 'core dump'
            rm -f /var/lib/rstreamd/core*
            echo 0x33 >/proc/$(daemon)/coredump_filter
            crash 3 && echo 'dumped again=yes'
            # That memory is in it at all shows something else: secrets' own pages are not.
            cat /var/lib/rstreamd/core* | grep -a localhost:7000 >/dev/null && echo 'whole memory=yes'
            journalctl --sync
            journalctl -u rstreamd -o export | told journal
            """

        @Test(
            "with a name server that never answers, streams to names hold up no scrape, no status and no other stream"
        )
        func deadResolver() async throws {
            try await Pair.withFolder { folder in
                let facts = Facts(
                    try await SystemdGuest.run(
                        ServiceSite.script + Self.deadResolver,
                        in: folder,
                        packages: try await DebianPackages.folder()
                    )
                )
                #expect(facts["waiting"] == "3", "streams waited for their names all the time")
                #expect(facts["page"] == "page")
                for question in ["metrics", "port", "status", "ready"] {
                    // A question to a silent name server takes minutes here, an answer of the daemon some milliseconds.
                    let milliseconds = try #require(facts[question].flatMap { Int($0) }, "\(question)")
                    #expect(milliseconds < 20_000, "\(question)")
                }
            }
        }

        /// What is asked for twenty times takes as long as the slowest answer.
        private static let deadResolver = """
            # Nobody reads what comes to this port.
            systemd-run --quiet --unit=silence --socket-property=ListenDatagram=127.0.0.1:53 sleep infinity
            rm -f /etc/resolv.conf
            printf 'nameserver 127.0.0.1\\noptions timeout:30 attempts:5\\n' >/etc/resolv.conf
            for name in one two three; do
                printf '  - { name: %s, forward: "%s.example:80", upstream: { connectTimeout: 10m }, tunnel: { protocol: tcp } }\\n' \\
                    $name $name
            done >>/etc/rstream/tunnels.d/web.yaml
            echo 'metrics: { listen: 127.0.0.1:9464 }' >>/etc/rstream/rstreamd.yaml
            systemctl restart rstreamd
            rstreamctl wait --timeout 90s >/dev/null
            for name in one two three; do
                port=$(rstreamctl -o json tunnels $name | grep -o '"forwardingAddress":"[^ ]*' | grep -o '[0-9]*$')
                exec {visitor}<>/dev/tcp/127.0.0.1/$port
            done
            waiting() { rstreamctl metrics | grep -cE '^rstreamd_streams_active[{]tunnel="(one|two|three)"[}] 1$'; }
            export -f waiting
            timeout 90 bash -c 'until [ "$(waiting)" = 3 ]; do sleep 0.1; done'
            slowest() {
                local name=$1 most=0 start took
                shift
                for _ in {1..20}; do
                    start=$(date +%s%N)
                    "$@" >/dev/null
                    took=$((($(date +%s%N) - start) / 1000000))
                    most=$((took > most ? took : most))
                done
                echo "$name=$most"
            }
            ask() { curl -sS --fail --unix-socket /run/rstreamd/admin.sock "http://rstreamd$1"; }
            slowest metrics ask /metrics
            slowest port curl -sS --fail http://127.0.0.1:9464/metrics
            slowest status ask /v1/status
            slowest ready ask /v1/health/ready
            sed -i 's/127.0.0.1:8080/localhost:8080/' /etc/rstream/tunnels.d/web.yaml
            systemctl reload rstreamd
            visit page
            echo "waiting=$(waiting)"
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
                            timeout 60 systemctl start rstreamd
                            echo "ready after=$((($(date +%s%N) - started) / 1000000))"
                            rstreamctl wait --timeout 500ms >/dev/null 2>&1 && echo without=online || echo without=waiting
                            cat /tmp/hosts >/etc/hosts
                            ip link set lo up
                            rstreamctl wait --timeout 90s >/dev/null
                            echo "status=$(systemctl show -P StatusText rstreamd)"
                            echo "restarts=$(systemctl show -P NRestarts rstreamd)"
                            """,
                        in: folder,
                        packages: try await DebianPackages.folder()
                    )
                )
                // A tenth of a second where nothing else runs, and no timeout of the network's, which is 15 s.
                let milliseconds = try #require(facts["ready after"].flatMap { Int($0) })
                #expect(milliseconds < 12_000)
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
