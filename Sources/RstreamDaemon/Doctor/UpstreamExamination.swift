// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay
internal import RstreamSocket

/// Whether each upstream of every enabled tunnel takes connections. Each address is dialed once, a few at a time.
struct UpstreamExamination {
    /// Dials at once.
    private static let width = 8

    private let configuration: DaemonConfiguration

    /// What is dialed, and with whose rights.
    private struct Place: Hashable {
        let upstream: UpstreamAddress
        let owner: UInt32?
    }

    /// An address, and the first tunnel that has it.
    private struct Candidate {
        let target: UpstreamTarget
        let options: UpstreamOptions

        var place: Place { Place(upstream: target.address, owner: options.socketOwner) }
    }

    init(_ configuration: DaemonConfiguration) {
        self.configuration = configuration
    }

    func run(_ report: (Finding) async -> Void) async {
        let tunnels = configuration.tunnels.filter(\.isEnabled)
        guard !tunnels.isEmpty else { return await report(Finding("upstreams", .skip, "no tunnel is enabled")) }
        var names: [Place: [String]] = [:]
        var first: [Candidate] = []
        for tunnel in tunnels {
            for target in tunnel.targets {
                let candidate = Candidate(target: target, options: tunnel.options)
                if names[candidate.place] == nil { first.append(candidate) }
                names[candidate.place, default: []].append(tunnel.name)
            }
        }
        let reserved = ReservedSockets()
        let admin = reserved.reserve(path: configuration.admin.socket)
        defer { withExtendedLifetime(admin) {} }
        let (group, directories) = (configuration.admin.group, configuration.limits.unixUpstreams)
        let rule = await BlockingThreads.accounts.run {
            UnixSocketRule(group: group, directories: directories, reserved: reserved)
        }
        var found: [(place: Int, error: RstreamError?)] = []
        await withTaskGroup(of: (Int, RstreamError?).self) { group in
            var waiting = first.enumerated().makeIterator()
            let next = { (group: inout TaskGroup<(Int, RstreamError?)>) in
                guard let (place, candidate) = waiting.next() else { return }
                let own = candidate.options.socketOwner.map {
                    UnixSocketRule(owners: [$0], directories: [], reserved: reserved)
                }
                let upstream = Upstream(candidate.target, candidate.options, unixSockets: own ?? rule)
                group.addTask { (place, await upstream.probe()) }
            }
            for _ in 0..<Self.width { next(&group) }
            for await result in group {
                found.append(result)
                next(&group)
            }
        }
        for (place, error) in found.sorted(by: { $0.place < $1.place }) {
            let users = names[first[place].place, default: []]
            let subject = users.count > 1 ? "\(users[0]) and \(users.count - 1) more" : users[0]
            if let error {
                await report(Finding("upstreams", .fail, of: subject, error.what, fix: error.fix))
            } else {
                await report(Finding("upstreams", .ok, of: subject, "\(first[place].target.address) takes connections"))
            }
        }
    }
}
