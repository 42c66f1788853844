internal import Glibc

/// Decides what a signal asks for.
struct SignalDecision: Hashable, Sendable {
    enum Request: Hashable, Sendable {
        case reload
        case stop
        case stopNow
    }

    private var stops = 0

    /// Nil for what asks for nothing, or for nothing new.
    mutating func received(_ signal: CInt) -> Request? {
        switch signal {
        case SIGHUP: return stops == 0 ? .reload : nil
        case SIGTERM, SIGINT:
            stops += 1
            return stops == 1 ? .stop : stops == 2 ? .stopNow : nil
        default: return nil
        }
    }
}
