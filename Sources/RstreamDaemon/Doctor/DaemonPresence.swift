internal import RstreamAdmin

/// What is known of a configuration's daemon after it was asked.
enum DaemonPresence: Hashable {
    /// It answers; this is the number of its process.
    case answers(process: Int)
    /// It may run and have what it is configured to have; it does not say.
    case unknown
    /// There is none. The unit that would run it, if it is that unit's configuration.
    case gone(unit: UnitState?)

    /// Decides after the daemon has given no answer. One that has no admin socket gives none, and only systemd knows of it
    /// then.
    init(after error: AdminClientError, hasSocket: Bool, unit: UnitState?) {
        guard case .absent = error, unit?.mayRun != true, hasSocket || unit != nil else {
            self = .unknown
            return
        }
        self = .gone(unit: unit)
    }
}
