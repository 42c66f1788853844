internal import Synchronization
internal import Systemd

/// How many tunnels are online, over all sessions, told to systemd whenever it changes. Guarded by a mutex.
final class StatusBoard: Sendable {
    private struct Count: Hashable {
        var online: Int
        var wanted: Int
    }

    private let counts = Mutex<(bySession: [String: Count], told: String)>(([:], ""))
    private let notifier: ServiceNotifier

    init(notifier: ServiceNotifier) {
        self.notifier = notifier
    }

    func update(_ session: String, online: Int, of wanted: Int) {
        let sentence = counts.withLock { state -> String? in
            state.bySession[session] = Count(online: online, wanted: wanted)
            let all = state.bySession.values
            let sentence = "\(all.map(\.online).reduce(0, +)) of \(all.map(\.wanted).reduce(0, +)) tunnels online"
            guard sentence != state.told else { return nil }
            state.told = sentence
            return sentence
        }
        if let sentence { notifier.status(sentence) }
    }
}
