// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamTestSupport
import Testing

extension Integration {
    /// The Debian packages, installed in a throwaway Debian and used as an operator would.
    @Suite(
        .enabled(if: DebianPackages.arePossible, "\(DebianPackages.needs)"),
        .timeLimit(.minutes(10))
    )
    struct PackageTests {
        @Test(
            "systemd has nothing to say about the units, and finds the sandbox tight",
            arguments: SystemdGuest.Debian.all
        )
        func units(of debian: SystemdGuest.Debian) async throws {
            try await Pair.withFolder { folder in
                let output = try await SystemdGuest.run(
                    DebianPackages.install + """
                        systemd-analyze verify --man=no rstreamd.service rstreamd-admin.socket rstreamd-docker.service 2>&1
                        # Tenths of what SECURITY.md and docs/comparison.md say of them.
                        for limit in rstreamd:16 rstreamd-docker:4; do
                            unit=$(systemctl show -P FragmentPath ${limit%:*})
                            systemd-analyze security --offline=yes --threshold=${limit#*:} --no-pager "$unit" \
                                >/tmp/security || tail -n1 /tmp/security
                        done
                        """,
                    in: folder,
                    debian: debian,
                    packages: try await DebianPackages.folder()
                )
                #expect(output.isEmpty, "\(output)")
            }
        }

        @Test(
            "installed it runs and is quiet, upgraded it keeps what an operator changed, purged it leaves nothing",
            arguments: SystemdGuest.Debian.all
        )
        func life(on debian: SystemdGuest.Debian) async throws {
            try await Pair.withFolder { folder in
                let facts = Facts(
                    try await SystemdGuest.run(
                        Self.life,
                        in: folder,
                        debian: debian,
                        packages: try await DebianPackages.folder()
                    )
                )
                #expect(facts["enabled"] == "enabled")
                #expect(facts["socket-enabled"] == "disabled", "the socket unit is for those who want it")
                #expect(facts["docker-enabled"] == "disabled inactive", "so is what needs Docker's socket")
                #expect(facts["docker"] == "active", "it waits for an API that is not there")
                #expect(facts["docker folder"] == "drwxr-xr-x rstream-docker:rstream-docker")
                #expect(facts["active"] == "active")
                #expect(facts["status"] == "no tunnels configured")
                #expect(facts["complaint"] == nil)
                #expect(facts["lines"] == "2", "the admin socket and the start, and no more")
                #expect(facts["mode /etc/rstream"] == "drwxr-x--- root:rstream")
                #expect(facts["mode /etc/rstream/tunnels.d"] == "drwxr-x--- root:rstream")
                #expect(facts["mode /etc/rstream/rstreamd.yaml"] == "-rw-r----- root:rstream")
                #expect(facts["socket"] == "srw-rw---- rstream:rstream")
                #expect(facts["monitoring"] == "same", "the files for monitoring are in the package")
                #expect(facts["stranger"] == "denied", "only the group may use the admin socket")

                #expect(facts["restarted"] == "yes", "an upgrade restarts the daemon")
                #expect(facts["edit"] == "# an operator's own line")
                #expect(facts["edited mode"] == "-rw------- rstream:rstream")

                #expect(facts["removed"] == "inactive")
                #expect(facts["removed socket"] == "inactive")
                #expect(facts["kept"] == "# an operator's own line", "removing keeps the configuration")
                #expect(facts["run"] == "gone")
                #expect(facts.all("left") == [], "purging leaves nothing but the user")
                #expect(facts["user"] == "rstream rstream-docker")
            }
        }

        @Test("with the socket unit no client fails while the daemon restarts, and the socket outlives the daemon")
        func socketUnit() async throws {
            try await Pair.withFolder { folder in
                let facts = Facts(
                    try await SystemdGuest.run(
                        DebianPackages.install + """
                            systemctl stop rstreamd
                            systemctl enable --now rstreamd-admin.socket 2>/dev/null
                            systemctl start rstreamd
                            touch /tmp/restarting
                            ask() {
                                local asked=0 failed=0
                                while [ -e /tmp/restarting ]; do
                                    asked=$((asked + 1))
                                    rstreamctl status >/dev/null 2>>/tmp/failures || failed=$((failed + 1))
                                done
                                echo "asked=$asked"; echo "failed=$failed"
                            }
                            ask & asking=$!
                            for _ in {1..30}; do systemctl restart rstreamd; done
                            rm /tmp/restarting
                            wait $asking
                            sed 's/^/failure=/' /tmp/failures
                            systemctl stop rstreamd 2>/dev/null
                            stat -c 'socket=%A %U:%G' /run/rstreamd/admin.sock
                            rstreamctl status >/dev/null && echo "started again=$(systemctl is-active rstreamd)"
                            """,
                        in: folder,
                        packages: try await DebianPackages.folder()
                    )
                )
                #expect((facts["asked"].flatMap { Int($0) } ?? 0) >= 10, "somebody asked all the time")
                #expect(facts["failed"] == "0", "\(facts.all("failure"))")
                #expect(facts["socket"] == "srw-rw---- rstream:rstream")
                #expect(facts["started again"] == "active")
            }
        }

        @Test("`make install` elsewhere does what it says, and what it says next makes a service of it")
        func installElsewhere() async throws {
            try await Pair.withFolder { folder in
                let facts = Facts(try await SystemdGuest.run(Self.elsewhere, in: folder))
                #expect(facts["active"] == "active")
                #expect(facts["program"] == "/usr/local/bin/rstreamd")
                #expect(facts["reloaded"] == "yes")
                #expect(facts["mode /etc/rstream/rstreamd.yaml"] == "-rw-r----- root:rstream")
                #expect(facts["again"] == "# an operator's own line", "installing again keeps the configuration")
                #expect(facts.all("missing") == [])
                #expect(facts["staged"] == "/tmp/stage/opt/bin/rstreamd")
            }
        }

        private static let elsewhere = """
            install_it() { /opt/source/packaging/install /opt/bin; }
            install_it 2>/tmp/said
            # The indented lines are what to do next.
            sed -n 's/^    //p' /tmp/said >/tmp/next
            bash -euo pipefail /tmp/next 2>/dev/null
            echo "active=$(systemctl is-active rstreamd)"
            systemctl show -P ExecStart rstreamd | sed 's/.*path=\\([^ ;]*\\).*/program=\\1/'
            systemctl reload rstreamd && echo reloaded=yes
            stat -c 'mode %n=%A %U:%G' /etc/rstream/rstreamd.yaml
            echo "# an operator's own line" >>/etc/rstream/rstreamd.yaml
            install_it 2>/dev/null
            echo "again=$(tail -n1 /etc/rstream/rstreamd.yaml)"
            for page in man1/{rstreamctl,rstream-dev-engine}.1 man5/rstreamd.yaml.5 man8/{rstreamd,rstreamd-docker}.8; do
                [ -s /usr/local/share/man/$page ] || echo "missing=$page"
            done
            diff -r /usr/local/share/doc/rstreamd/monitoring /opt/source/etc/monitoring || echo missing=monitoring
            # What editors read, where the first line of the files says.
            for file in rstreamd.yaml tunnels.d/web.yaml.example; do
                schema=$(sed -n '1s/.*[$]schema=//p' /etc/rstream/$file)
                [ -s "$schema" ] || echo "missing=schema of $file"
            done
            DESTDIR=/tmp/stage PREFIX=/opt install_it
            echo "staged=$(ls /tmp/stage/opt/bin/rstreamd)"
            """

        @Test("an upgrade from an older version replaces unchanged configuration files, and keeps changed ones")
        func upgrade() async throws {
            try await Pair.withFolder { folder in
                let facts = Facts(
                    try await SystemdGuest.run(
                        Self.upgrade,
                        in: folder,
                        packages: try await DebianPackages.folder()
                    )
                )
                #expect(facts.all("older") == ["0.0.1~older", "0.0.1~older"])
                #expect(facts.all("restarted") == ["yes", "yes"])
                #expect(facts.all("status") == ["no tunnels configured", "no tunnels configured"])
                #expect(facts["untouched"] == "new", "the new default is there")
                #expect(facts["untouched mode"] == "-rw-r----- root:rstream")
                #expect(facts["changed"] == "# an operator's own line")
                #expect(facts["changed mode"] == "-rw-r----- root:rstream")
                #expect(facts["beside"] == "the new default is beside it")
                #expect(facts["left"] == nil, "purging removes that too")
            }
        }

        /// The package as it is, and one made of it that has a lower version and another default.
        private static let upgrade = """
            mkdir /tmp/old
            dpkg-deb -R /opt/packages/rstreamd_*.deb /tmp/old/files
            sed -i 's/^Version: .*/Version: 0.0.1~older/' /tmp/old/files/DEBIAN/control
            sed -i '1i # The default of an older version.' /tmp/old/files/etc/rstream/rstreamd.yaml
            sed -i '/etc.rstream.rstreamd.yaml/d' /tmp/old/files/DEBIAN/md5sums
            dpkg-deb -Znone -b /tmp/old/files /tmp/old/rstreamd.deb >/dev/null
            file=/etc/rstream/rstreamd.yaml
            older() {
                dpkg -i /tmp/old/rstreamd.deb >/dev/null
                dpkg-query -W -f 'older=${Version}\\n' rstreamd
                pid=$(systemctl show -P MainPID rstreamd)
            }
            newer() {
                # What unattended-upgrades says: nobody is there to be asked.
                dpkg --force-confdef --force-confold -i /opt/packages/rstreamd_*.deb >/dev/null 2>&1
                [ "$(systemctl show -P MainPID rstreamd)" = "$pid" ] || echo restarted=yes
                echo "status=$(systemctl show -P StatusText rstreamd)"
            }
            older
            newer
            cmp -s $file /opt/source/etc/rstream/rstreamd.yaml && echo untouched=new
            stat -c 'untouched mode=%A %U:%G' $file

            dpkg -P rstreamd >/dev/null 2>&1
            older
            echo "# an operator's own line" >>$file
            newer
            echo "changed=$(tail -n1 $file)"
            stat -c 'changed mode=%A %U:%G' $file
            cmp -s $file.dpkg-dist /opt/source/etc/rstream/rstreamd.yaml && echo 'beside=the new default is beside it'
            dpkg -P rstreamd >/dev/null 2>&1
            [ ! -e /etc/rstream ] || ls /etc/rstream | sed 's/^/left=/'
            """

        @Test(
            "the commands of README.md lead from a bare Debian to a visitor's first byte",
            .enabled("\(NetworkCable.needs)") { await NetworkCable.isPossible() }
        )
        func firstByte() async throws {
            let result = try await ProcessHandle.run(
                Binaries.packageRoot + "/Tests/Guests/first-byte",
                [try await DebianPackages.folder(), "--rounds", "1"],
                environment: [
                    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "GUEST_SUITE": SystemdGuest.Debian.usual.suite,
                    "PYTHONDONTWRITEBYTECODE": "1",
                ],
                within: .seconds(300)
            )
            #expect(result.exit == .status(0), "\(result.errors.suffix(30))")
        }

        @Test("the packages have the version of the programs")
        func version() async throws {
            let changelog = try await ProcessHandle.run(
                "/usr/bin/dpkg-parsechangelog",
                ["-l", Binaries.packageRoot + "/packaging/debian/changelog", "-S", "Version"]
            )
            let program = try await ProcessHandle.run(try Binaries.path(of: "rstreamd"), ["--version"])
            #expect(changelog.output == program.output)
        }

        private static let life =
            """
            # What a package may leave behind nowhere; the rest is dpkg's, the kernel's and the journal's.
            everything() {
                find / -xdev \\( -path /var/lib/dpkg -o -path /var/log -o -path /var/cache -o -path /run -o -path /tmp \
            -o -path /proc -o -path /sys -o -path /opt \\) -prune -o -print | sort
            }
            complaints() { journalctl -u rstreamd -p warning -o cat | sed 's/^/complaint=/'; }
            everything >/tmp/before
            \(DebianPackages.install)
            echo "enabled=$(systemctl is-enabled rstreamd)"
            echo "socket-enabled=$(systemctl is-enabled rstreamd-admin.socket || true)"
            echo "docker-enabled=$(systemctl is-enabled rstreamd-docker || true) $(systemctl is-active rstreamd-docker || true)"
            # What Docker's package makes, and an API that is not there.
            groupadd docker
            systemctl start rstreamd-docker && systemctl is-active rstreamd-docker | sed 's/^/docker=/'
            stat -c 'docker folder=%A %U:%G' /run/rstreamd-docker
            systemctl stop rstreamd-docker
            groupdel docker
            echo "active=$(systemctl is-active rstreamd)"
            echo "status=$(systemctl show -P StatusText rstreamd)"
            journalctl --sync
            complaints
            echo "lines=$(journalctl SYSLOG_IDENTIFIER=rstreamd -o cat | wc -l)"
            stat -c 'mode %n=%A %U:%G' /etc/rstream /etc/rstream/rstreamd.yaml /etc/rstream/tunnels.d
            diff -r /usr/share/doc/rstreamd/monitoring /opt/source/etc/monitoring && echo monitoring=same
            stat -c 'socket=%A %U:%G' /run/rstreamd/admin.sock
            setpriv --reuid 65534 --regid 65534 --clear-groups rstreamctl status >/dev/null 2>&1 || echo stranger=denied

            pid=$(systemctl show -P MainPID rstreamd)
            echo "# an operator's own line" >>/etc/rstream/rstreamd.yaml
            chmod 600 /etc/rstream/rstreamd.yaml
            chown rstream /etc/rstream/rstreamd.yaml
            \(DebianPackages.install)
            [ "$(systemctl show -P MainPID rstreamd)" = "$pid" ] || echo restarted=yes
            echo "edit=$(tail -n1 /etc/rstream/rstreamd.yaml)"
            stat -c 'edited mode=%A %U:%G' /etc/rstream/rstreamd.yaml

            echo sesame >/etc/rstream/token
            cp /etc/rstream/tunnels.d/web.yaml.example /etc/rstream/tunnels.d/web.yaml
            systemctl stop rstreamd
            systemctl enable --now rstreamd-admin.socket 2>/dev/null
            dpkg -r rstreamd rstreamd-docker rstream-dev-engine >/dev/null
            echo "removed=$(systemctl is-active rstreamd || true)"
            echo "removed socket=$(systemctl is-active rstreamd-admin.socket || true)"
            echo "kept=$(tail -n1 /etc/rstream/rstreamd.yaml)"
            [ -e /run/rstreamd ] || echo run=gone
            dpkg -P rstreamd rstreamd-docker rstream-dev-engine >/dev/null 2>&1
            everything >/tmp/after
            # The files of users, which systemd-sysusers backs up.
            comm -13 /tmp/before /tmp/after | grep -vxE '/etc/(passwd|group|shadow|gshadow)-' | sed 's/^/left=/' || true
            echo "user=$(id -un rstream) $(id -un rstream-docker)"
            """
    }
}

/// What a script in the guest found out: lines of the form `name=value`.
struct Facts {
    private let lines: [(name: Substring, value: String)]

    init(_ output: [String]) {
        lines = output.compactMap { line in
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return parts.count == 2 ? (parts[0], String(parts[1])) : nil
        }
    }

    /// The value that was told last.
    subscript(_ name: String) -> String? { lines.last { $0.name == name }?.value }

    /// All values that were told under a name.
    func all(_ name: String) -> [String] { lines.filter { $0.name == name }.map(\.value) }
}
