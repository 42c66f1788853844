internal import Synchronization
internal import Systemd

/// How many tunnels are online, over all sessions, and what became of the last reload, told to systemd in one sentence
/// whenever it changes. Guarded by a mutex.
final class StatusBoard: Sendable {
    /// Names one session, also when several have a context in common.
    struct SessionID: Hashable, Sendable {
        fileprivate let number: Int
    }

    private struct Count: Hashable {
        var online: Int
        var wanted: Int
    }

    private struct State {
        var counts: [SessionID: Count] = [:]
        var nextID = 0
        var refusal: String?
        /// What somebody should do about a session, by session.
        var notes: [SessionID: String] = [:]
        var told = ""

        var sentence: String {
            let online = counts.values.map(\.online).reduce(0, +)
            let wanted = counts.values.map(\.wanted).reduce(0, +)
            let tunnels = wanted == 0 ? "no tunnels configured" : "\(online) of \(wanted) tunnels online"
            let rest = notes.sorted { $0.key.number < $1.key.number }.map(\.value)
            return ([tunnels] + rest + (refusal.map { ["reload refused: \($0)"] } ?? [])).joined(separator: "; ")
        }
    }

    private let state = Mutex(State())
    private let notifier: ServiceNotifier

    init(notifier: ServiceNotifier) {
        self.notifier = notifier
    }

    func makeSession() -> SessionID {
        state.withLock { state in
            state.nextID += 1
            return SessionID(number: state.nextID)
        }
    }

    func update(_ session: SessionID, online: Int, of wanted: Int) {
        change { $0.counts[session] = Count(online: online, wanted: wanted) }
    }

    func remove(_ session: SessionID) {
        change { state in
            state.counts[session] = nil
            state.notes[session] = nil
        }
    }

    /// Something that an operator should do about a session; nil when it was done.
    func note(_ session: SessionID, _ note: String?) {
        change { $0.notes[session] = note }
    }

    /// Remembers why the last reload was refused, until one is not.
    func reloaded(refusal: String?) {
        change { $0.refusal = refusal }
    }

    /// Tells it once more, after something else was told.
    func tell() {
        notifier.status(state.withLock { $0.sentence })
    }

    private func change(_ body: (inout State) -> Void) {
        let sentence = state.withLock { state -> String? in
            body(&state)
            guard state.sentence != state.told else { return nil }
            state.told = state.sentence
            return state.told
        }
        if let sentence { notifier.status(sentence) }
    }
}
