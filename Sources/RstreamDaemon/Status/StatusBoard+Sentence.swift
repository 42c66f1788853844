internal import RstreamAdmin
internal import RstreamModel

extension StatusBoard.State {
    /// Bytes of the sentence: as much as `systemctl status` shows on a line or two.
    private static let longestSentence = 256

    /// One sentence for whoever asks systemd: how many tunnels serve, and what somebody should do. One line of what a
    /// person can read, whatever an engine has said.
    var sentence: String {
        var sentence = tally.sentence
        func add(_ parts: some Sequence<String>) {
            for part in parts where sentence.utf8.count <= Self.longestSentence {
                sentence += "; " + part.cut(toBytes: Self.longestSentence).printable
            }
        }
        let sessions = sessions.sorted { $0.key.number < $1.key.number }.lazy.map(\.value)
        add(sessions.compactMap { record in record.error.map { "\(record.context): \($0.message)" } })
        add(tally.complaints)
        add(sessions.compactMap(\.note))
        if let lastReload, lastReload.outcome == .refused { add(["reload refused: \(lastReload.message)"]) }
        return sentence.cut(toBytes: Self.longestSentence)
    }
}

/// How many tunnels there are and serve, and what is wrong with the others.
struct TunnelTally {
    /// Complaints that one line has room for.
    private static let most = 3

    private var enabled: Set<String> = []
    private var online: Set<String> = []
    private var troubles: [String: String] = [:]

    /// Counts what is true of a tunnel now instead of what was.
    mutating func update(_ record: TunnelRecord) {
        let name = record.facts.name
        if record.facts.isEnabled { enabled.insert(name) } else { enabled.remove(name) }
        if record.facts.isEnabled, record.state == .online { online.insert(name) } else { online.remove(name) }
        let trouble = record.error ?? (record.facts.isEnabled ? record.upstreamError : nil)
        troubles[name] = trouble?.message
    }

    var sentence: String {
        enabled.isEmpty ? "no tunnels configured" : "\(online.count) of \(enabled.count) tunnels online"
    }

    var complaints: [String] {
        guard !troubles.isEmpty else { return [] }
        let sorted = troubles.sorted { $0.key < $1.key }
        let rest = sorted.count > Self.most ? ["and \(sorted.count - Self.most) more tunnels in trouble"] : []
        return sorted.prefix(Self.most).map { "\($0.key): \($0.value)" } + rest
    }
}
