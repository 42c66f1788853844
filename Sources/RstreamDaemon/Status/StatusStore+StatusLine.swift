internal import RstreamAdmin
internal import RstreamModel

extension StatusStore.State {
    /// Bytes of the sentence: as much as `systemctl status` shows on a line or two.
    private static let longestStatusLine = 256

    /// One sentence for whoever asks systemd: how many tunnels and listeners serve, and what somebody should do. One line
    /// of what a person can read, whatever an engine has said.
    ///
    /// It is made at every change, so it looks at no more than it has room for.
    var sentence: String {
        var sentence = tally.sentence
        func add(_ parts: some Sequence<String>) {
            for part in parts {
                guard sentence.utf8.count <= Self.longestStatusLine else { return }
                sentence += "; " + part.cut(toBytes: Self.longestStatusLine).printable
            }
        }
        let sessions = sessions.inOrder.lazy.map { $0.record }
        add(sessions.compactMap { record in record.error.map { "\(record.context): \($0.message)" } })
        add(tally.complaints)
        add(sessions.compactMap(\.note))
        if let lastReload, lastReload.outcome == .refused { add(["reload refused: \(lastReload.message)"]) }
        return sentence.cut(toBytes: Self.longestStatusLine)
    }
}

/// How many tunnels and listeners there are and serve, and what is wrong with the others.
struct ServiceCounters {
    /// Complaints that one line has room for.
    private static let most = 3

    /// Who there is of a kind, who of them serves, and what is wrong, by name and in the order of names.
    private struct Names {
        var wanted: Set<String> = []
        var serving: Set<String> = []
        private var troubles: [String: String] = [:]
        private var troubled: [String] = []

        var troubleCount: Int { troubled.count }

        /// The first complaints.
        func complaints(_ most: Int) -> [(name: String, trouble: String)] {
            troubled.prefix(most).map { ($0, troubles[$0] ?? "") }
        }

        mutating func update(_ name: String, isWanted: Bool, serves: Bool, trouble: String?) {
            if isWanted { wanted.insert(name) } else { wanted.remove(name) }
            if isWanted, serves { serving.insert(name) } else { serving.remove(name) }
            let before = troubles[name]
            troubles[name] = trouble
            guard (before == nil) != (trouble == nil) else { return }
            let place = troubled.place(of: name)
            if trouble != nil { troubled.insert(name, at: place) } else { troubled.remove(at: place) }
        }
    }

    private var tunnels = Names()
    private var listeners = Names()

    /// Counts what is true of a tunnel now instead of what was.
    mutating func update(_ record: TunnelRecord) {
        let isEnabled = record.facts.isEnabled
        let trouble = record.error ?? (isEnabled ? record.servingTrouble : nil)
        tunnels.update(
            record.facts.name,
            isWanted: isEnabled,
            serves: record.state == .online,
            trouble: trouble?.message
        )
    }

    /// Counts what is true of a listener now instead of what was.
    mutating func update(_ record: ListenerRecord) {
        updateListener(
            record.name,
            serves: record.isListening && record.error == nil,
            trouble: record.trouble?.message
        )
    }

    mutating func updateListener(_ name: String, serves: Bool, trouble: String?) {
        listeners.update(name, isWanted: true, serves: serves, trouble: trouble)
    }

    /// Other listeners are counted from now on.
    mutating func forgetListeners() { listeners = Names() }

    /// The same about tunnels.
    mutating func forgetTunnels() { tunnels = Names() }

    var sentence: String {
        var parts: [String] = []
        if !tunnels.wanted.isEmpty {
            parts.append("\(tunnels.serving.count) of \(tunnels.wanted.count) tunnels online")
        }
        if !listeners.wanted.isEmpty {
            parts.append("\(listeners.serving.count) of \(listeners.wanted.count) listeners serve")
        }
        return parts.isEmpty ? "no tunnels configured" : parts.joined(separator: ", ")
    }

    var complaints: [String] {
        let all =
            tunnels.complaints(Self.most).map { "\($0.name): \($0.trouble)" }
            + listeners.complaints(Self.most).map { "listener \($0.name): \($0.trouble)" }
        let more = tunnels.troubleCount + listeners.troubleCount - Self.most
        guard more > 0 else { return all }
        let what = listeners.troubleCount == 0 ? "more tunnels" : "more"
        return all.prefix(Self.most) + ["and \(more) \(what) in trouble"]
    }
}

extension [String] {
    /// Where `name` stands, or would, in the order of bytes.
    fileprivate func place(of name: String) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].isBefore(name) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension String {
    fileprivate func isBefore(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }
}
