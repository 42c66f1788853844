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
