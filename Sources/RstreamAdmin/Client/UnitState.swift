// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamModel

/// What systemd says about the daemon's unit, for messages about a daemon that does not answer.
package struct UnitState: Hashable, Sendable {
    private static let properties = [
        "LoadState", "ActiveState", "SubState", "Result", "ExecMainStatus", "UnitFileState", "StatusText",
        "LimitNOFILE", "MemoryMax", "AmbientCapabilities",
    ]

    private var values: [String: String] = [:]

    /// The unit on this host; nil where systemd does not run.
    package static func current() async -> UnitState? {
        let output = await BlockingThreads.files.run {
            ChildProcess.output(
                "systemctl",
                ["show", "rstreamd.service", "--property=\(properties.joined(separator: ","))"]
            )
        }
        return output.flatMap { UnitState(show: String(decoding: $0, as: UTF8.self)) }
    }

    /// Reads what `systemctl show` prints: a property a line. Nil when it is not that.
    package init?(show text: String) {
        for line in text.split(byte: "\n") {
            let parts = line.split(byte: "=", maxSplits: 1, omittingEmpty: false)
            if parts.count == 2 { values[String(parts[0])] = String(parts[1]) }
        }
        guard values["LoadState"] != nil, values["ActiveState"] != nil else { return nil }
    }

    /// Whether this host has the unit.
    package var isLoaded: Bool { values["LoadState"] == "loaded" }

    /// Whether its daemon may be running, and already listening.
    package var mayRun: Bool {
        switch (values["ActiveState"], values["SubState"]) {
        case ("inactive", _), ("failed", _): false
        // systemd 254 and later have the second one.
        case ("activating", "auto-restart"), ("activating", "auto-restart-queued"): false
        default: true
        }
    }

    /// How many descriptors its daemon may open; nil without a number.
    package var descriptors: Int? { values["LimitNOFILE"].flatMap { Int($0) } }

    /// How many bytes of memory its daemon may have; nil without a limit.
    package var memory: Int? { values["MemoryMax"].flatMap { Int($0) } }

    /// Whether its daemon may listen at ports below 1024.
    package var mayTakeLowPorts: Bool {
        values["AmbientCapabilities"]?.split(byte: " ").contains { $0.sameBytes(as: "cap_net_bind_service") } == true
    }

    /// Why no daemon answers, and what to do about it; nil where the unit does not explain it.
    package var explanation: (what: String, fix: String)? {
        guard isLoaded else {
            return (
                "the unit rstreamd.service does not exist",
                "install the package rstreamd, or name the socket with --socket"
            )
        }
        let log = "sudo journalctl -u rstreamd -n 20"
        switch (values["ActiveState"], values["SubState"]) {
        case ("active", _):
            return (
                "rstreamd.service runs, with its admin socket elsewhere or without one",
                "see admin.socket of its configuration, and name the socket with --socket"
            )
        case ("activating", "auto-restart"):
            return ("rstreamd.service \(end), and systemd keeps restarting it", fix ?? log)
        case ("activating", _):
            let text = values["StatusText"].flatMap { $0.isEmpty ? nil : ": \($0)" } ?? ""
            return ("rstreamd.service is starting\(text)", "wait: rstreamctl wait")
        case ("deactivating", _):
            return ("rstreamd.service is stopping", "start it again: sudo systemctl start rstreamd")
        case ("failed", _): return ("rstreamd.service \(end)", fix ?? log)
        default:
            let isEnabled = values["UnitFileState"]?.startsWithBytes(of: "enabled") == true
            return (
                "rstreamd.service is not started",
                isEnabled ? "sudo systemctl start rstreamd" : "sudo systemctl enable --now rstreamd"
            )
        }
    }

    /// How it ended the last time.
    private var end: String {
        let status = values["ExecMainStatus"] ?? ""
        return switch values["Result"] {
        case "exit-code", "start-limit-hit": "ended with \(status)" + (meaning.map { ": \($0.what)" } ?? "")
        case "signal", "core-dump": "was ended by signal \(status)"
        case "watchdog": "hung and was ended by systemd's watchdog"
        case "oom-kill": "was killed because the memory was used up"
        case "timeout": "did not start or stop in time"
        case let result?: "failed (\(result))"
        case nil: "failed"
        }
    }

    private var fix: String? {
        switch values["Result"] {
        case "exit-code", "start-limit-hit": meaning?.fix
        case "oom-kill": "raise MemoryMax= of the service, or lower limits.streams"
        default: nil
        }
    }

    /// What the exit status means: the daemon's own (contract §2), or systemd's when it could not start the daemon.
    private var meaning: (what: String, fix: String)? {
        switch values["ExecMainStatus"] {
        case "64": ("its command line is wrong", "look at it: systemctl cat rstreamd")
        case "70": ("an internal error", "report it, with rstreamctl doctor --bundle FILE")
        case "71": ("the machine lacks threads, files or /proc", "sudo journalctl -u rstreamd -n 20")
        case "77":
            (
                "a file or a socket may not be opened by the user rstream",
                "sudo rstreamctl doctor says which, then sudo systemctl restart rstreamd"
            )
        case "78":
            (
                "its configuration is invalid",
                "sudo rstreamctl check or sudo journalctl -u rstreamd says where, then sudo systemctl restart rstreamd"
            )
        case "203":
            ("the program is not there", "install the package again, or correct ExecStart= (systemctl cat rstreamd)")
        case "217": ("the user rstream does not exist", "sudo systemd-sysusers")
        case "226": ("systemd could not set up its sandbox", "sudo journalctl -u rstreamd -n 20")
        case "243":
            (
                "a credential of the unit cannot be loaded",
                "correct or remove LoadCredential= in its drop-in (systemctl cat rstreamd), then systemctl daemon-reload"
            )
        default: nil
        }
    }
}
