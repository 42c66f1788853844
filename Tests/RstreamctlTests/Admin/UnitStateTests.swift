// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Testing

@testable import RstreamAdmin

@Suite("What systemd says about a daemon that does not answer")
struct UnitStateTests {
    private func explanation(_ properties: String...) -> (what: String, fix: String)? {
        UnitState(show: (["LoadState=loaded"] + properties).joined(separator: "\n") + "\n")?.explanation
    }

    @Test("names the cause of every end that has one, and its fix")
    func ends() throws {
        let cases = [
            ("64", "command line", "systemctl cat"), ("70", "internal error", "--bundle"),
            ("71", "threads", "journalctl"),
            ("77", "may not be opened", "rstreamctl doctor"), ("78", "configuration is invalid", "rstreamctl check"),
            ("203", "program is not there", "ExecStart="), ("217", "user rstream", "systemd-sysusers"),
            ("226", "sandbox", "journalctl"), ("243", "credential", "LoadCredential="),
        ]
        for (status, what, fix) in cases {
            let told = try #require(
                explanation("ActiveState=failed", "SubState=failed", "Result=exit-code", "ExecMainStatus=\(status)")
            )
            #expect(told.what.contains("ended with \(status): ") && told.what.contains(what), "\(told)")
            #expect(told.fix.contains(fix), "\(told)")
        }
    }

    @Test(
        "tells a unit that systemd keeps restarting from one that failed, is not started, is starting or serves elsewhere"
    )
    func states() throws {
        let loop = explanation(
            "ActiveState=activating",
            "SubState=auto-restart",
            "Result=exit-code",
            "ExecMainStatus=77"
        )
        #expect(loop?.what.hasSuffix("and systemd keeps restarting it") == true, "\(String(describing: loop))")
        #expect(loop?.fix.contains("rstreamctl doctor") == true)
        #expect(explanation("ActiveState=failed", "Result=oom-kill")?.fix.contains("MemoryMax=") == true)
        #expect(explanation("ActiveState=failed", "Result=watchdog")?.what.contains("watchdog") == true)
        #expect(
            explanation("ActiveState=failed", "Result=signal", "ExecMainStatus=11")?.what.contains("signal 11") == true
        )
        let stopped = explanation("ActiveState=inactive", "UnitFileState=enabled")
        #expect(stopped?.fix == "sudo systemctl start rstreamd")
        #expect(explanation("ActiveState=inactive", "UnitFileState=disabled")?.fix.contains("enable --now") == true)
        let starting = explanation("ActiveState=activating", "SubState=start", "StatusText=reading")
        #expect(starting?.what == "rstreamd.service is starting: reading")
        #expect(explanation("ActiveState=active", "SubState=running")?.fix.contains("--socket") == true)
        #expect(
            UnitState(show: "LoadState=not-found\nActiveState=inactive\n")?.explanation?.fix.contains("install") == true
        )
    }

    @Test("is also whether a daemon may run, and what it may have")
    func facts() {
        for (properties, mayRun) in [
            ("ActiveState=active\nSubState=running", true), ("ActiveState=reloading\nSubState=reload", true),
            ("ActiveState=activating\nSubState=start", true),
            ("ActiveState=deactivating\nSubState=stop-sigterm", true),
            ("ActiveState=activating\nSubState=auto-restart", false),
            ("ActiveState=activating\nSubState=auto-restart-queued", false),
            ("ActiveState=inactive\nSubState=dead", false), ("ActiveState=failed\nSubState=failed", false),
        ] {
            #expect(UnitState(show: "LoadState=loaded\n\(properties)\n")?.mayRun == mayRun, "\(properties)")
        }
        let shipped = UnitState(
            show:
                "LoadState=loaded\nActiveState=inactive\nLimitNOFILE=65536\nMemoryMax=infinity\nAmbientCapabilities=\n"
        )
        #expect(shipped?.isLoaded == true && shipped?.descriptors == 65_536 && shipped?.memory == nil)
        #expect(shipped?.mayTakeLowPorts == false)
        let changed = UnitState(
            show: "LoadState=loaded\nActiveState=inactive\nLimitNOFILE=infinity\nMemoryMax=67108864\n"
                + "AmbientCapabilities=cap_net_bind_service cap_net_raw\n"
        )
        #expect(changed?.descriptors == nil && changed?.memory == 64 << 20 && changed?.mayTakeLowPorts == true)
        #expect(UnitState(show: "LoadState=not-found\nActiveState=inactive\n")?.isLoaded == false)
    }

    @Test(
        "is nothing where there is no systemd to ask",
        arguments: ["", "System has not been booted", "ActiveState=failed"]
    )
    func none(text: String) {
        #expect(UnitState(show: text) == nil)
    }

    @Test("a socket is opened by its group, which is named, or with sudo")
    func access() {
        #expect(SocketAccess.fix(mode: 0o140660, group: "rstream").contains("sudo usermod -aG rstream"))
        for (mode, group) in [(0o140600, "rstream"), (0o140660, nil), (0o140660, "root"), (0o140640, "rstream")]
            as [(UInt32, String?)]
        {
            let fix = SocketAccess.fix(mode: mode, group: group)
            #expect(fix.contains("sudo") && fix.contains("group") && !fix.contains("usermod"), "\(fix)")
        }
        #expect(SocketAccess.fix(socket: "/no/such/socket").contains("sudo"))
    }
}
