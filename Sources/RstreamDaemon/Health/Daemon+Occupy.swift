#if DEBUG
extension Daemon {
    /// Keeps the daemon's own task from everything else until `work` returns; for tests of the watchdog.
    package func occupy(with work: @escaping @Sendable () -> Void) { send.yield(.sign(work)) }
}
#endif
