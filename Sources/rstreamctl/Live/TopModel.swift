// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin

/// The data of `rstreamctl top`: the daemon's last answer, and rates from the last two.
struct TopModel: Hashable, Sendable {
    /// The daemon's answers at one time.
    struct Snapshot: Hashable, Sendable {
        var status: DaemonStatus
        var streams: [StreamStatus]
    }

    /// Bytes a second.
    struct Rate: Hashable, Sendable {
        var received = 0.0
        var sent = 0.0

        init(received: Double = 0, sent: Double = 0) {
            self.received = received
            self.sent = sent
        }

        /// From one count to the next. Counts start again when a daemon does, so none goes backwards.
        init(from old: ByteCounts?, to new: ByteCounts, seconds: Double) {
            guard let old else { return }
            received = max(0, Double(new.received) - Double(old.received)) / seconds
            sent = max(0, Double(new.sent) - Double(old.sent)) / seconds
        }

        var total: Double { received + sent }
    }

    struct TunnelRow: Hashable, Sendable {
        var tunnel: TunnelStatus
        var rate: Rate
    }

    struct StreamRow: Hashable, Sendable {
        var stream: StreamStatus
        var rate: Rate
    }

    private(set) var snapshot: Snapshot?
    /// When the last answer came, since whatever the caller counts from.
    private var answeredAt = Duration.zero
    private(set) var streamsPerSecond = 0.0
    private(set) var bytesPerSecond = Rate()
    /// In the order of the configuration.
    private(set) var tunnels: [TunnelRow] = []
    /// The busiest first; those that are equally busy, the youngest first.
    private(set) var streams: [StreamRow] = []

    init() {}

    /// Takes the next answer. `time` is when it came, on a clock that never goes back.
    mutating func answered(_ new: Snapshot, at time: Duration) {
        let old = snapshot
        // Two answers in the same millisecond say nothing about a second.
        let seconds = max(0.001, (time - answeredAt) / .seconds(1))
        let isSame = old?.status.daemon.pid == new.status.daemon.pid
        let past = isSame ? old : nil
        let tunnelBytes = past.map { Dictionary($0.status.tunnels.map { ($0.name, $0.bytes) }) { $1 } } ?? [:]
        let listenerBytes = past.map { Dictionary($0.status.listeners.map { ($0.name, $0.bytes) }) { $1 } } ?? [:]
        let streamBytes = past.map { Dictionary($0.streams.map { ($0.id, $0.bytes) }) { $1 } } ?? [:]
        tunnels = new.status.tunnels.map {
            TunnelRow(tunnel: $0, rate: Rate(from: tunnelBytes[$0.name], to: $0.bytes, seconds: seconds))
        }
        // A new stream has moved all its bytes since the last answer.
        streams = new.streams.map { stream in
            let before = streamBytes[stream.id] ?? (past == nil ? nil : ByteCounts())
            return StreamRow(stream: stream, rate: Rate(from: before, to: stream.bytes, seconds: seconds))
        }
        .sorted { first, second in
            (first.rate.total, first.stream.openedAt) > (second.rate.total, second.stream.openedAt)
        }
        let rates =
            tunnels.map(\.rate)
            + new.status.listeners.map { Rate(from: listenerBytes[$0.name], to: $0.bytes, seconds: seconds) }
        bytesPerSecond = rates.reduce(into: Rate()) { sum, rate in
            sum.received += rate.received
            sum.sent += rate.sent
        }
        streamsPerSecond =
            past.map { max(0, Double(new.status.streams.total) - Double($0.status.streams.total)) / seconds } ?? 0
        snapshot = new
        answeredAt = time
    }
}
