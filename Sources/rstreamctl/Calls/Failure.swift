// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel

/// How `rstreamctl` ends (contract §7).
enum ExitStatus: Int32, Hashable, Sendable, CaseIterable {
    case done = 0
    /// The daemon refused or failed.
    case failed = 1
    /// `status` and `wait`: not (yet) as wanted.
    case notAsWanted = 3
    case usage = 64
    case notReachable = 69
    /// The machine lacks what every program needs.
    case machine = 71
    case notPermitted = 77
    case invalidConfiguration = 78
}

/// Why a command failed: the messages on standard error, and the exit status.
struct Failure: Error, Hashable, Sendable {
    let status: ExitStatus
    /// Each a line.
    let messages: [String]
    /// What the daemon wrote, when this program cannot read it.
    var answer: [UInt8]?
    /// Whether no process listens at the socket: no daemon runs, or one without an admin socket.
    private(set) var isAbsence = false
    /// Whether the cause may pass soon, so that `wait` tries again.
    let isPassing: Bool

    init(_ status: ExitStatus, _ messages: String...) {
        self.init(status, messages: messages)
    }

    init(_ status: ExitStatus, messages: [String]) {
        self.init(status, messages, isPassing: status == .notReachable)
    }

    private init(_ status: ExitStatus, _ messages: [String], isPassing: Bool) {
        self.status = status
        self.messages = messages
        self.isPassing = isPassing
    }

    init(_ error: AdminClientError) {
        // A line whatever the daemon has written.
        let what = "\(error)".printable
        switch error {
        case .absent, .notReachable:
            self.init(
                .notReachable,
                what,
                "fix: start rstreamd (systemctl start rstreamd), or name its socket with --socket"
            )
        case .silent:
            self.init(
                .notReachable,
                what,
                "fix: see what it logs (journalctl -u rstreamd); restart it if it hangs"
            )
        case .notPermitted(let socket):
            self.init(.notPermitted, what, "fix: \(SocketAccess.fix(socket: socket))")
        case .problem(let problem) where problem.code == .forbidden: self.init(.notPermitted, what)
        case .problem(let problem) where problem.diagnostics?.isEmpty == false:
            let texts = (problem.diagnostics ?? []).flatMap { $0.text.split(byte: "\n").map { String($0).printable } }
            self.init(.failed, messages: ["the daemon has refused the tunnel"] + texts)
        case .problem(let problem) where problem.code == .busy || problem.code == .stopping:
            self.init(.failed, [what], isPassing: true)
        case .unknownCall: self.init(.failed, what, "fix: upgrade the daemon and restart it, or use its own rstreamctl")
        case .cutShort: self.init(.failed, [what], isPassing: true)
        case .problem, .badReply: self.init(.failed, what)
        }
        if case .absent = error { isAbsence = true }
    }

    /// The same failure with what systemd says about the daemon's unit.
    func explained(by unit: UnitState) -> Failure {
        guard let first = messages.first, let (what, fix) = unit.explanation else { return self }
        var failure = Failure(status, ["\(first): \(what)", "fix: \(fix)"].map(\.printable), isPassing: isPassing)
        failure.isAbsence = isAbsence
        return failure
    }

    /// An error of a library that no code here expects. Its own text is for developers.
    static let unforeseen = Failure(
        .failed,
        "internal error: this failed in an unexpected way",
        "fix: report it, with the command and rstreamctl doctor --bundle"
    )

    /// The daemon accepted the call and did not answer.
    static func silent(_ socket: String, after limit: Duration) -> Failure {
        Failure(.notReachable, "the daemon at \(socket) has not answered within \(Age(limit))")
    }
}
