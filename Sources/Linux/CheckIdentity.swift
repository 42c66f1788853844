// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The user as whom a check reads files. What root can read says nothing about what the daemon can read.
package enum CheckIdentity: Hashable, Sendable {
    /// This process's own user.
    case own
    /// The daemon's user, whose rights this process takes.
    case daemon(ProcessUser)

    /// Chooses for a process that runs as `own`. Only root can take another user's rights.
    ///
    /// `running` is the user of a daemon that answers. Without one it is the user of the packaged unit, if the unit's
    /// own file is checked: for any other file it is not known which daemon reads it. `packaged` looks that user up.
    package init(
        of own: ProcessUser,
        isUnitsFile: Bool,
        running: ProcessUser? = nil,
        packaged: () -> ProcessUser? = { ProcessUser(named: IntendedReader.daemonUser) }
    ) {
        self = .own
        guard own.user == 0, let daemon = running ?? (isUnitsFile ? packaged() : nil), daemon.user != 0 else { return }
        self = .daemon(daemon)
    }

    /// Takes the user's rights, in all threads. Returns what happened; nil when nothing changed.
    package func switchUser() -> Switch? {
        guard case .daemon(let daemon) = self else { return nil }
        let name = Accounts.host.nameOfUser(daemon.user) ?? "\(daemon.user)"
        do throws(SystemError) {
            try daemon.become()
            return Switch(name: name, failure: nil)
        } catch {
            return Switch(name: name, failure: error)
        }
    }

    /// What happened when the rights of the daemon's user were to be taken.
    package struct Switch: Hashable, Sendable, CustomStringConvertible {
        /// The name of the daemon's user.
        let name: String
        /// Why files are still checked as root; nil on success.
        package let failure: SystemError?

        /// As whom files are checked, and why.
        package var description: String {
            guard let failure else { return "files are checked as \(name), the daemon's user" }
            return "files are checked as root, not as \(name), the daemon's user: \(failure)"
        }

        /// What to do about a failure.
        package var fix: String? {
            failure.map { _ in "run this as \(name), or let root change users here: CAP_SETUID and CAP_SETGID" }
        }
    }
}
