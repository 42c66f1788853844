/// With whose rights files are judged that the daemon has to read: what root can read says nothing about the daemon.
package enum CheckIdentity: Hashable, Sendable {
    /// Those of this process.
    case own
    /// Those of the user that the daemon runs as.
    case daemon(ProcessUser)

    /// Decides for a process of `own`, which takes somebody else's place only where it can: as root.
    ///
    /// `running` is whom a daemon that answers runs as. Without one it is whom the packaged unit would run it as, if that
    /// is the unit's own file: which daemon another file is for is not known. `packaged` looks for that user.
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

    /// Judges like this from now on, in all threads. What is to be said about it; nil where nothing has changed.
    package func take() -> Taken? {
        guard case .daemon(let daemon) = self else { return nil }
        let name = Accounts.host.nameOfUser(daemon.user) ?? "\(daemon.user)"
        do throws(SystemError) {
            try daemon.become()
            return Taken(name: name, failure: nil)
        } catch {
            return Taken(name: name, failure: error)
        }
    }

    /// What came of it when the daemon's user was to judge.
    package struct Taken: Hashable, Sendable, CustomStringConvertible {
        /// What that user is called.
        let name: String
        /// Why root judges all the same; nil where it does not.
        package let failure: SystemError?

        /// Who judges, and why.
        package var description: String {
            guard let failure else { return "files are judged as \(name), whom the daemon runs as" }
            return "files are judged as root, not as \(name), whom the daemon runs as: \(failure)"
        }

        /// What to do about a failure.
        package var fix: String? {
            failure.map { _ in "run this as \(name), or let root change users here: CAP_SETUID and CAP_SETGID" }
        }
    }
}
