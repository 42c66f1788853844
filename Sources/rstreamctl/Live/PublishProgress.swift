// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin

/// What `rstreamctl publish --table` has learned from the events of its tunnel: its address, and the latest lines.
struct PublishProgress: Hashable, Sendable {
    /// More than fit on any terminal.
    static let mostLines = 500

    let name: String
    /// The address, and its QR code if one was asked for; empty until there is one.
    private(set) var address: [Line] = []
    /// Visitors and whatever else has happened, the latest last.
    private(set) var latest: [Line] = []
    private var view: PublishView

    init(_ name: String, drawsCode: Bool = false) {
        self.name = name
        view = PublishView(name, drawsCode: drawsCode)
    }

    /// Whether the tunnel has ended.
    var isOver: Bool { view.isOver }

    mutating func happened(_ event: Event) {
        let lines = view.lines(for: event)
        if event.type == "tunnel.online" {
            // No lines when the address is the same as before.
            if !lines.isEmpty { address = lines }
        } else {
            tell(lines)
        }
    }

    mutating func tell(_ lines: [Line]) { latest = Array((latest + lines).suffix(Self.mostLines)) }
}

/// Guards the progress for the task that follows events and the one that draws.
actor PublishTable {
    private(set) var progress: PublishProgress

    init(_ progress: PublishProgress) { self.progress = progress }

    /// Takes an event. Returns whether the tunnel goes on.
    func happened(_ event: Event) -> Bool {
        progress.happened(event)
        return !progress.isOver
    }

    /// Shows a line among the latest ones.
    func tell(_ line: Line) { progress.tell([line]) }
}

extension TopModel.Snapshot {
    /// What concerns one tunnel, with its counts in the place of the daemon's.
    func only(_ tunnel: String) -> Self {
        var only = self
        only.status.tunnels.removeAll { $0.name != tunnel }
        only.status.listeners = []
        only.status.streams = only.status.tunnels.first?.streams ?? StreamCounts()
        only.streams.removeAll { $0.tunnel != tunnel }
        return only
    }
}
