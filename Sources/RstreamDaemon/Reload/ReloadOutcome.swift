package import RstreamConfig
package import RstreamCore

/// What became of a reload (contract §5, §6).
package enum ReloadOutcome: Hashable, Sendable {
    /// The files ask for what runs already.
    case unchanged
    /// Carried out, as the plan said.
    case applied(ReloadPlan, ListenerPlan)
    /// The files are not right, and everything goes on as before.
    case refused([Diagnostic])
}

/// Who wanted a reload; a log line says it.
package enum ReloadReason: String, Hashable, Sendable {
    case signal = "SIGHUP"
    case files = "a file changed"
}
