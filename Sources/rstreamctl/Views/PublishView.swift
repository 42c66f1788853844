// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamDaemonModel
internal import RstreamModel

/// `rstreamctl publish`: the address, and a line for each visitor and whatever else happens to the tunnel.
struct PublishView: Hashable, Sendable {
    private let name: String
    private let drawsCode: Bool
    private var shown: String?
    /// Whether the tunnel has ended.
    private(set) var isOver = false

    init(_ name: String, drawsCode: Bool = false) {
        self.name = name
        self.drawsCode = drawsCode
    }

    /// The line for people once the daemon has accepted the tunnel.
    static func opened(_ name: String, _ forward: String, lasts: Duration?) -> Line {
        let limit = lasts.map { "for \($0.configured) or " } ?? ""
        return Line("\(name) forwards to \(forward), \(limit)until Ctrl-C")
    }

    /// The lines for the tunnel's next event.
    mutating func lines(for event: Event) -> [Line] {
        switch event.type {
        case "tunnel.online": return address(event.forwardingAddress)
        case "tunnel.closed":
            isOver = true
            return []
        // On the way to an address; a reason to wait is told.
        case "tunnel.pending", "tunnel.opening": return event.error == nil ? [] : EventView(event).lines
        // The visitor has a line already.
        case "stream.closed": return []
        default: return EventView(event).lines
        }
    }

    /// The address, unless it was the last one that was shown.
    mutating func address(_ address: String?) -> [Line] {
        let text = address.flatMap { $0.isEmpty ? nil : $0 } ?? "private tunnel \(name)"
        guard shown != text else { return [] }
        shown = text
        let code = drawsCode && address != nil ? QRCode(text).map(\.lines) ?? [] : []
        return [Line(text, .good)] + code.map { Line($0) }
    }
}
