package import RstreamAdmin
internal import RstreamModel

/// How `rstreamctl` ends (contract §7).
package enum ExitStatus: Int32, Hashable, Sendable, CaseIterable {
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

/// Why a command has not done what it was asked for: what is printed on standard error, and the exit status.
package struct Failure: Error, Hashable, Sendable {
    package let status: ExitStatus
    /// Each a line.
    package let messages: [String]
    /// What the daemon wrote, where it is only this program that cannot read it.
    package var answer: [UInt8]?
    /// Whether nobody listens at the socket: there is no daemon, or one without an admin socket.
    package private(set) var isAbsence = false
    /// Whether it may be over in a moment, so that somebody with time may try again.
    let isPassing: Bool

    package init(_ status: ExitStatus, _ messages: String...) {
        self.init(status, messages: messages)
    }

    package init(_ status: ExitStatus, messages: [String]) {
        self.init(status, messages, isPassing: status == .notReachable)
    }

    private init(_ status: ExitStatus, _ messages: [String], isPassing: Bool) {
        self.status = status
        self.messages = messages
        self.isPassing = isPassing
    }

    package init(_ error: AdminClientError) {
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
                "fix: see what it logs (journalctl -u rstreamd); restart it if it stands still"
            )
        case .notPermitted(let socket):
            self.init(.notPermitted, what, "fix: \(SocketAccess.fix(socket: socket))")
        case .problem(let problem) where problem.code == .busy: self.init(.failed, [what], isPassing: true)
        case .unknownCall: self.init(.failed, what, "fix: upgrade the daemon and restart it, or use its own rstreamctl")
        case .cutShort: self.init(.failed, [what], isPassing: true)
        case .problem, .badReply: self.init(.failed, what)
        }
        if case .absent = error { isAbsence = true }
    }

    /// The same with what the daemon's unit says about it.
    package func explained(by unit: UnitState) -> Failure {
        guard let first = messages.first, let (what, fix) = unit.explanation else { return self }
        var failure = Failure(status, ["\(first): \(what)", "fix: \(fix)"].map(\.printable), isPassing: isPassing)
        failure.isAbsence = isAbsence
        return failure
    }

    /// What nobody has thought of. What a library says of it is for its developers.
    package static let unforeseen = Failure(
        .failed,
        "this has failed in a way that nobody has foreseen: a bug of ours",
        "fix: report it, with what was asked for and rstreamctl doctor --bundle"
    )

    /// The daemon has accepted the call and then not answered.
    package static func silent(_ socket: String, after limit: Duration) -> Failure {
        Failure(.notReachable, "the daemon at \(socket) has not answered within \(Age(limit))")
    }
}
