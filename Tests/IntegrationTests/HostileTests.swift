// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamTestSupport
import Testing

extension Integration {
    /// The installed service among people who mean it ill, all at once: its engine, the author of a tunnel file, a visitor,
    /// another user of the machine.
    @Suite(
        .enabled(if: DebianPackages.arePossible, "\(DebianPackages.needs)"),
        .timeLimit(.minutes(75))
    )
    struct HostileTests {
        /// How long it goes on; `$RSTREAM_HOSTILE_SECONDS` for longer.
        private static let seconds = Binaries.environment("RSTREAM_HOSTILE_SECONDS").flatMap { Int($0) } ?? 40

        @Test("nothing restarts it, no file changes, its memory stays bounded, and it serves when they are gone")
        func everyone() async throws {
            try await Pair.withFolder { folder in
                let facts = Facts(
                    try await SystemdGuest.run(
                        ServiceSite.script + Self.people + Self.press(for: Self.seconds) + Self.judge,
                        in: folder,
                        packages: try await DebianPackages.folder(),
                        within: .seconds(Int64(Self.seconds) + 300)
                    )
                )
                print("hostile: \(facts)")
                #expect(facts["page"] == "page")
                #expect(facts["restarts"] == "0")
                #expect(facts["same process"] == "yes")
                #expect(facts["files"] == "same")
                #expect(facts["token"] == "hidden")
                #expect(facts["journal"] == "clean")
                let resident = try #require(facts["resident KiB"].flatMap { Int($0) })
                #expect(resident < 200 * 1_024)
                for who in ["engine", "author", "stranger", "visitor"] {
                    let rounds = try #require(facts["rounds of the \(who)"].flatMap { Int($0) })
                    #expect(rounds > 2, "\(who)")
                }
            }
        }

        /// Each is a function that does one round of harm.
        private static let people = #"""
            useradd --system deploy 2>/dev/null || adduser --system --group deploy >/dev/null
            install -d -o deploy -m 755 /srv/deploy
            cat >>/etc/rstream/rstreamd.yaml <<'YAML'
            include: [tunnels.d/*.yaml, /srv/deploy/*.yaml]
            limits: { tunnelOwners: [deploy] }
            metrics: { listen: 127.0.0.1:9464 }
            reconnect: { minimum: 100ms, maximum: 1s, rejected: 1s }
            YAML
            systemctl restart rstreamd
            rstreamctl wait --timeout 90s >/dev/null

            marks=$(for _ in {1..200}; do printf '\xcc\x81\xcc\xa3'; done)
            brackets=$(printf '[%.0s' {1..20000})
            faults() {
                curl -sS --cacert /etc/rstream/ca.pem -H "Authorization: Bearer $token" -X PUT \
                    --data-binary "$1" https://localhost:7000/api/dev/faults >/dev/null || true
            }
            engine_harms() {
                for fault in '"open-error=1000:x\r\nWATCHDOG=trigger\r\nMAINPID=1"' '"open-error=6000:\u001b[2J\u202ex"' \
                    '"marks-stream-id"' '"tunnel-long-texts"' '"oversized-frame"' '"garbage-frame"' '"unknown-kind"' \
                    '"redirect-malformed"' '"close-channel-response=50"' '"ack-future"' '"server-message"' \
                    "\"tunnel-error=2000:$marks\"" '"drop-control=30"' '"payload-reset=1"'; do
                    faults "[$fault]"
                    rstreamctl reconnect >/dev/null 2>&1 || true
                    sleep 0.3
                done
                faults '[]'
            }
            author_harms() {
                file=/srv/deploy/x.yaml
                as() { setpriv --reuid=deploy --regid=deploy --clear-groups -- "$@"; }
                rm -f "$file"; as ln -s /etc/rstream/token "$file"; look
                rm -f "$file"; as ln -s /etc/shadow "$file"; look
                rm -f "$file"; as mkfifo "$file"; look
                rm -f "$file"; as bash -c "printf '\${%.0s' {1..100000} >$file"; look
                as bash -c "printf '%s' '$brackets' >$file"; look
                as bash -c "{ printf 'version: 1\ntunnels:\n  - { name: \"'; for i in {1..50}; do printf '%s' '$marks'; done; printf '\"}\n'; } >$file"; look
                as bash -c "printf 'version: 1\ncontexts: { c: { engine: evil.example, tokenFile: /etc/rstream/token } }\n' >$file"; look
                as bash -c "printf 'version: 1\ntunnels: [{ name: s, forward: \"unix:/run/rstreamd/admin.sock\", tunnel: { protocol: tcp } }]\n' >$file"; look
                as bash -c "printf 'version: 1\ntunnels: [{ name: s, forward: \"unix:/run/systemd/private\", tunnel: { protocol: tcp } }]\n' >$file"; look
                as chmod 666 "$file"; look
                as chmod 644 "$file"
                rm -f "$file"
            }
            look() {
                rstreamctl reload --dry-run >>/tmp/said 2>&1 || true
                timeout 20 systemctl reload rstreamd >>/tmp/said 2>&1 || true
            }
            stranger_harms() {
                as() { setpriv --reuid=nobody --regid=nogroup --clear-groups -- "$@"; }
                for _ in {1..30}; do
                    as curl -s -m 2 http://127.0.0.1:9464/metrics >/dev/null &
                done
                as curl -s -m 2 --unix-socket /run/rstreamd/admin.sock http://rstreamd/v1/config >>/tmp/stranger 2>&1 || true
                as curl -s -m 2 -X PUT --data-binary "$brackets" http://127.0.0.1:9464/v1/log >/dev/null || true
                as bash -c 'exec 3<>/dev/tcp/127.0.0.1/9464; head -c 300000 /dev/zero >&3' 2>/dev/null || true
                # Members of the group are trusted with the socket, and not with the process.
                printf '%s' "$brackets" >/tmp/brackets
                for call in 'PUT log' 'POST reload' 'POST tunnels'; do
                    curl -s -m 5 --unix-socket /run/rstreamd/admin.sock -X "${call% *}" --data-binary @/tmp/brackets \
                        "http://rstreamd/v1/${call#* }" >/dev/null || true
                done
                wait
            }
            visitor_harms() {
                local url=$(rstreamctl -o json tunnels web | grep -o 'https://[^"]*' | head -n1)
                local host=${url#https://}
                [ -n "$host" ] || { sleep 0.2; return 0; }
                for _ in {1..20}; do
                    curl -sS -m 3 --cacert /etc/rstream/ca.pem --resolve "$host:127.0.0.1" \
                        -H "X-Long: $marks$marks" "$url/?$marks" >/dev/null 2>&1 &
                done
                wait
            }

            """#

        /// All of them at once, each until the time is up.
        private static func press(for seconds: Int) -> String {
            """
            token=\(ServiceSite.token)
            touch /tmp/begin
            sums() { find /etc /usr /var/lib/dpkg -xdev -type f -newer /tmp/begin | sort; }
            find /etc/shadow /etc/passwd /etc/rstream -type f -exec sha256sum {} + >/tmp/sums
            pid=$(daemon)
            until_end() {
                trap - ERR
                set +e
                local rounds=0 end=$((SECONDS + \(seconds)))
                while [ $SECONDS -lt $end ]; do "$1_harms"; rounds=$((rounds + 1)); done
                echo "rounds of the $1=$rounds"
            }
            until_end engine & until_end author & until_end stranger & until_end visitor &
            wait

            """
        }

        private static let judge = #"""
            faults '[]'
            rm -f /srv/deploy/*
            systemctl reload rstreamd
            rstreamctl reconnect >/dev/null
            rstreamctl wait --timeout 90s >/dev/null
            visit page
            echo "restarts=$(systemctl show -P NRestarts rstreamd)"
            [ "$pid" = "$(daemon)" ] && echo 'same process=yes'
            sha256sum --check --quiet /tmp/sums && [ -z "$(sums)" ] && echo files=same
            echo "resident KiB=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' /proc/$pid/status)"
            journalctl --sync
            journalctl -u rstreamd -o cat --all >/tmp/journal
            journalctl -u rstreamd -o export >>/tmp/said
            grep -a "$token" /tmp/said /tmp/journal /tmp/stranger >/dev/null || echo token=hidden
            LC_ALL=C grep -aP '[\x00-\x08\x0b-\x1f\x7f]' /tmp/journal >/dev/null || echo journal=clean
            """#
    }
}
