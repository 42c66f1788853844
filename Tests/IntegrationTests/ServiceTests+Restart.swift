// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamTestSupport
import Testing

extension Integration.ServiceTests {
    @Test(
        "systemctl restart is a take-over: streams go on, a stop ends every process, a broken configuration does no harm",
        arguments: SystemdGuest.Debian.all
    )
    func restart(on debian: SystemdGuest.Debian) async throws {
        try await Pair.withFolder { folder in
            let facts = Facts(
                try await SystemdGuest.run(
                    ServiceSite.script + Self.echo + Self.restarts,
                    in: folder,
                    debian: debian,
                    packages: try await DebianPackages.folder()
                )
            )
            #expect(facts["begun"] == "begun")
            // With a stream that stays, a stop would wait for drain.timeout, which is 30 s.
            let milliseconds = try #require(facts["took"].flatMap { Int($0) })
            #expect(milliseconds < 20_000)
            #expect(facts["process"] == "another")
            #expect(facts["old"] == "serves its stream")
            #expect(facts["previous"] == "shown")
            #expect(facts["first"] == "first")
            #expect(facts["second"] == "second")
            #expect(facts["listed"] == "yes")
            #expect(facts["cut"] == "yes")
            #expect(facts["cut again"] == "no such stream")
            #expect(facts["third"] == "third")
            #expect(facts["page"] == "page")
            #expect(facts["status"] == "2 of 2 tunnels online")
            #expect(facts["restarts"] == "0")
            #expect(facts["visits"] == "most")
            #expect(facts["stopped"] == "none")
            #expect(facts["result"] == "success")
            #expect(facts["stopped at once"] == "none")
            #expect(facts["twice"] == "restarted")
            #expect(facts["broken"] == "failed")
            #expect(facts["state"] == "failed")
            #expect(facts["page meanwhile"] == "page")
            #expect(facts["serving"] == "the old one")
            #expect(facts["fixed"] == "yes")
            #expect(facts["page afterwards"] == "page")
            #expect(facts["taken over by"] == "another")
            #expect(facts["main killed"] == "daemon ended")
            #expect(facts["main again"] == "yes")
            #expect(facts["one by one"] == "restarted")
            #expect(facts["without the bus"] == "restarted")
            #expect(facts["main process"] == "rstreamd")
            #expect(facts["end"] == "none")
        }
    }

    /// A TCP tunnel whose service says what it hears, and `says WORD`, which asks on one stream.
    private static let echo = """
        printf '[Socket]\nListenStream=127.0.0.1:8081\nAccept=yes\n' >/etc/systemd/system/echo.socket
        printf '[Service]\nExecStart=/bin/cat\nStandardInput=socket\n' >/etc/systemd/system/echo@.service
        systemctl daemon-reload
        systemctl start echo.socket
        both() {
            tunnel 8080
            echo '  - { name: echo, forward: "127.0.0.1:8081", tunnel: { protocol: tcp } }' >>/etc/rstream/tunnels.d/web.yaml
        }
        both
        systemctl reload rstreamd
        rstreamctl wait --timeout 90s >/dev/null
        open() {
            local port=$(rstreamctl -o json tunnels echo | grep -o '"forwardingAddress":"[^ ]*' | grep -o '[0-9]*$')
            exec {stream}<>/dev/tcp/127.0.0.1/$port
        }
        says() {
            local answer
            echo "$1" >&$stream
            read -r -t 60 answer <&$stream
            echo "$1=$answer"
        }
        gone() {
            timeout 10 bash -c 'while pgrep rstreamd >/dev/null; do sleep 0.01; done' && echo "$1=none" || pgrep -a rstreamd
        }

        """

    private static let restarts = """
        open
        other=$stream
        open
        says begun
        old=$(daemon)
        url=$(rstreamctl -o json tunnels web | grep -o 'https://[^"]*' | head -n1)
        (
            while [ ! -e /tmp/enough ]; do
                curl -sS --fail -m 20 --cacert /etc/rstream/ca.pem --resolve "${url#https://}:127.0.0.1" "$url/" 2>/dev/null || true
                echo
            done >/tmp/visits
        ) &
        start=$(date +%s%N)
        systemctl restart rstreamd
        echo "took=$((($(date +%s%N) - start) / 1000000))"
        [ "$(daemon)" != "$old" ] && echo process=another
        kill -0 $old && echo 'old=serves its stream'
        rstreamctl -o json status | grep -o '"previous".*' | grep "$old" >/dev/null && echo previous=shown
        says first
        systemctl restart rstreamd
        says second
        # Streams of the process before the one before, which are asked for through both.
        rstreamctl streams | grep "old, $old" >/dev/null && echo listed=yes
        first=$(rstreamctl -o json streams | grep -o "$old-[0-9]*" | sort | head -n1)
        rstreamctl kill "$first" >/dev/null
        read -r -t 60 -u $other 2>/dev/null || echo cut=yes
        rstreamctl kill "$first" >/dev/null 2>&1 || echo 'cut again=no such stream'
        says third
        visit page
        touch /tmp/enough
        wait
        # Addresses are away for one round trip, twice.
        [ "$(grep -c page /tmp/visits)" -gt $(($(grep -vc page /tmp/visits || true) * 2)) ] && echo visits=most
        echo "status=$(systemctl show -P StatusText rstreamd)"
        echo "restarts=$(systemctl show -P NRestarts rstreamd)"

        echo 'drain: { timeout: 1s }' >>/etc/rstream/rstreamd.yaml
        systemctl reload rstreamd
        systemctl stop rstreamd
        gone stopped
        echo "result=$(systemctl show -P Result rstreamd)"
        systemctl start rstreamd
        rstreamctl wait --timeout 90s >/dev/null
        systemctl restart --no-block rstreamd
        systemctl stop rstreamd
        gone 'stopped at once'

        systemctl start rstreamd
        rstreamctl wait --timeout 90s >/dev/null
        systemctl restart --no-block rstreamd
        systemctl restart rstreamd && echo twice=restarted
        rstreamctl wait --timeout 90s >/dev/null
        old=$(daemon)
        echo 'bogus: 1' >>/etc/rstream/tunnels.d/web.yaml
        systemctl restart rstreamd 2>/dev/null || echo broken=failed
        echo "state=$(systemctl show -P ActiveState rstreamd)"
        visit 'page meanwhile'
        rstreamctl status | grep "process $old," >/dev/null && echo 'serving=the old one'
        both
        systemctl start rstreamd && echo fixed=yes
        visit 'page afterwards'
        [ "$(daemon)" != "$old" ] && echo 'taken over by=another'

        old=$(daemon)
        systemctl kill --kill-whom=main --signal=KILL rstreamd
        timeout 10 bash -c "while kill -0 $old 2>/dev/null; do sleep 0.01; done" && echo 'main killed=daemon ended'
        timeout 90 bash -c 'until [ "$(systemctl show -P NRestarts rstreamd)" = 1 ]; do sleep 0.1; done'
        rstreamctl wait --timeout 90s >/dev/null && echo 'main again=yes'

        # Where a restart is no take-over it is a stop and a start.
        old=$(daemon)
        systemctl stop dbus.socket dbus
        systemctl restart rstreamd
        rstreamctl wait --timeout 90s >/dev/null
        kill -0 $old 2>/dev/null || echo 'without the bus=restarted'
        systemctl start dbus
        printf '[Service]\nEnvironment=RSTREAMD_STAND_IN=no\n' >/etc/systemd/system/rstreamd.service.d/one.conf
        systemctl daemon-reload
        systemctl restart rstreamd
        rstreamctl wait --timeout 90s >/dev/null
        old=$(systemctl show -P MainPID rstreamd)
        echo "main process=$(cat /proc/$old/comm)"
        systemctl restart rstreamd
        rstreamctl wait --timeout 90s >/dev/null
        kill -0 $old 2>/dev/null || echo 'one by one=restarted'
        systemctl stop rstreamd
        gone end
        """
}
