// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel

extension StatusStore.State {
    /// Bytes of the line: as much as `systemctl status` shows on a line or two.
    private static let longestStatusLine = 256

    /// systemd's STATUS line: how many tunnels and listeners serve, then what is wrong. One printable line, whatever an
    /// engine has sent.
    ///
    /// It is composed at every change, so it stops reading entries when it is full.
    var statusLine: String {
        var line = counters.summary
        func add(_ parts: some Sequence<String>) {
            for part in parts {
                guard line.utf8.count <= Self.longestStatusLine else { return }
                line += "; " + part.cut(toBytes: Self.longestStatusLine).printable
            }
        }
        let sessions = sessions.inOrder.lazy.map { $0.entry }
        add(sessions.compactMap { entry in entry.error.map { "\(entry.context): \($0.message)" } })
        add(counters.problems)
        add(sessions.compactMap { entry in entry.canary?.problem.map { "\(entry.context): \($0.message)" } })
        add(sessions.compactMap(\.note))
        if let refusedReload { add(["reload refused: \(refusedReload.message)"]) }
        return line.cut(toBytes: Self.longestStatusLine)
    }
}

/// How many tunnels and listeners are wanted and serve, and what is wrong with the others.
struct ServiceCounters {
    /// Problems that the status line has room for.
    private static let shownProblems = 3

    /// The tunnels, or the listeners: which are wanted, which of those serve, and the problems, sorted by name.
    private struct Group {
        var wanted: Set<String> = []
        var serving: Set<String> = []
        private var problems: [String: String] = [:]
        private var names: [String] = []

        var problemCount: Int { names.count }

        func problems(first count: Int) -> [(name: String, problem: String)] {
            names.prefix(count).map { ($0, problems[$0] ?? "") }
        }

        mutating func update(_ name: String, isWanted: Bool, serves: Bool, problem: String?) {
            if isWanted { wanted.insert(name) } else { wanted.remove(name) }
            if isWanted, serves { serving.insert(name) } else { serving.remove(name) }
            let before = problems[name]
            problems[name] = problem
            guard (before == nil) != (problem == nil) else { return }
            let index = names.sortedIndex(of: name)
            if problem != nil { names.insert(name, at: index) } else { names.remove(at: index) }
        }
    }

    private var tunnels = Group()
    private var listeners = Group()
    /// The tunnels whose name or port another tunnel holds.
    private var standby: Set<String> = []

    mutating func update(_ tunnel: TunnelEntry) {
        let isEnabled = tunnel.configured.isEnabled
        if isEnabled, tunnel.state == .standby { standby.insert(tunnel.name) } else { standby.remove(tunnel.name) }
        let problem = tunnel.error ?? (isEnabled ? tunnel.servingProblem : nil)
        tunnels.update(
            tunnel.name,
            isWanted: isEnabled,
            serves: tunnel.state == .online,
            problem: problem?.message
        )
    }

    mutating func update(_ listener: ListenerEntry) {
        updateListener(
            listener.name,
            serves: listener.isListening && listener.error == nil,
            problem: listener.problem?.message
        )
    }

    mutating func updateListener(_ name: String, serves: Bool, problem: String?) {
        listeners.update(name, isWanted: true, serves: serves, problem: problem)
    }

    mutating func removeListeners() { listeners = Group() }

    mutating func removeTunnels() { (tunnels, standby) = (Group(), []) }

    /// As in "2 of 4 tunnels online, 1 on standby, 1 of 1 listeners serve".
    var summary: String {
        var parts: [String] = []
        if !tunnels.wanted.isEmpty {
            parts.append("\(tunnels.serving.count) of \(tunnels.wanted.count) tunnels online")
            if !standby.isEmpty { parts.append("\(standby.count) on standby") }
        }
        if !listeners.wanted.isEmpty {
            parts.append("\(listeners.serving.count) of \(listeners.wanted.count) listeners serve")
        }
        return parts.isEmpty ? "no tunnels configured" : parts.joined(separator: ", ")
    }

    /// The first problems, and how many more there are.
    var problems: [String] {
        let all =
            tunnels.problems(first: Self.shownProblems).map { "\($0.name): \($0.problem)" }
            + listeners.problems(first: Self.shownProblems).map { "listener \($0.name): \($0.problem)" }
        let more = tunnels.problemCount + listeners.problemCount - Self.shownProblems
        guard more > 0 else { return all }
        let what = listeners.problemCount == 0 ? "more tunnels" : "more"
        return all.prefix(Self.shownProblems) + ["\(more) \(what) with problems"]
    }
}

extension [String] {
    /// The index of `name`, or where it would be inserted, in the order of bytes.
    fileprivate func sortedIndex(of name: String) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].utf8.lexicographicallyPrecedes(name.utf8) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
