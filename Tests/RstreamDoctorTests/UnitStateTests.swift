import RstreamAdmin
import RstreamTestSupport
import Testing

@testable import RstreamDoctor

@Suite("What systemd says about a daemon that does not answer")
struct UnitStateTests {
    private func explanation(_ properties: String...) -> (what: String, fix: String)? {
        UnitState(show: (["LoadState=loaded"] + properties).joined(separator: "\n") + "\n")?.explanation
    }

    @Test("names the cause of every end that has one, and its fix")
    func ends() throws {
        let cases = [
            ("64", "command line", "systemctl cat"), ("70", "a bug of ours", "--bundle"),
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
        "tells one that is started again and again from one that has given up, is not started, starts or serves elsewhere"
    )
    func states() throws {
        let loop = explanation(
            "ActiveState=activating",
            "SubState=auto-restart",
            "Result=exit-code",
            "ExecMainStatus=77"
        )
        #expect(loop?.what.hasSuffix("and is started again and again") == true, "\(String(describing: loop))")
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

    @Test("says with the daemon's silence whether there is one")
    func presence() throws {
        let silence: [AdminClientError] = [
            .silent(socket: "/s", after: .seconds(5)), .notPermitted(socket: "/s"), .cutShort(socket: "/s", bytes: 1),
            .notReachable(socket: "/s", reason: "reset"), .badReply("words"), .unknownCall("status", version: nil),
        ]
        let stopped = try #require(UnitState(show: "LoadState=loaded\nActiveState=inactive\n"))
        let running = try #require(UnitState(show: "LoadState=loaded\nActiveState=active\n"))
        for error in silence {
            for unit in [stopped, running, nil] {
                #expect(DaemonPresence(after: error, hasSocket: true, unit: unit) == .unknown, "\(error)")
            }
        }
        let absent = AdminClientError.absent(socket: "/s", reason: "there is none")
        for (hasSocket, unit, presence) in [
            (true, nil, .gone(unit: nil)), (true, stopped, .gone(unit: stopped)), (true, running, .unknown),
            // Without a socket of its own it never answers, and nobody but systemd knows.
            (false, nil, .unknown), (false, stopped, .gone(unit: stopped)), (false, running, .unknown),
        ] as [(Bool, UnitState?, DaemonPresence)] {
            let found = DaemonPresence(after: absent, hasSocket: hasSocket, unit: unit)
            #expect(found == presence, "\(hasSocket) \(String(describing: unit))")
        }
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

    @Test("a program is asked for what it writes, and for no longer than there is time")
    func command() async throws {
        func output(_ command: String, limit: Int = 1_000) -> String? {
            Command.output("/bin/sh", ["-c", command], limit: limit, within: patience)
                .map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(output("cat; echo hello") == "hello\n")
        #expect(output("yes | head -c 300000", limit: 10) == "y\ny\ny\ny\ny\n")
        #expect(output("echo no; exit 3") == nil)
        #expect(Command.output("/no/such/program", []) == nil)
        // The time is over before it can have ended.
        #expect(Command.output("/bin/sh", ["-c", "exec sleep 600"], within: .milliseconds(10)) == nil)
        // It lives on when it has nothing more to say.
        let silent = "echo hello; exec sleep 600 >&-"
        #expect(Command.output("/bin/sh", ["-c", silent], within: .milliseconds(100)) == nil)
    }
}
