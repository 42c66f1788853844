// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import DequeModule
package import RstreamModel
package import RstreamWire

/// The tunnels of one control channel: requested, open or closing (PROTOCOL.md §5).
package struct TunnelTable: Hashable, Sendable {
    private enum Phase: Hashable, Sendable {
        case open
        case closing
    }

    /// What the engine's answer to a tunnel request means.
    package enum Answer: Hashable, Sendable {
        case opened(requestID: RequestID, TunnelProperties)
        /// `giveBack` is the id of a tunnel that was granted all the same and cannot be used: close it.
        case failed(requestID: RequestID, RstreamError, giveBack: String?)
        /// The request was abandoned, so close the tunnel.
        case giveBack(tunnelID: String)
        case ignored
    }

    private var requested: Set<RequestID> = []
    private var abandoned: Set<RequestID> = []
    private var abandonedInOrder: Deque<RequestID> = []
    private let abandonedLimit: Int
    private var tunnels: [String: Phase] = [:]

    package init(abandonedLimit: Int) {
        self.abandonedLimit = abandonedLimit
    }

    package mutating func openRequested(_ requestID: RequestID) {
        requested.insert(requestID)
    }

    /// The caller stopped waiting. The engine may still grant the tunnel, which then has to be closed.
    package mutating func openAbandoned(_ requestID: RequestID) {
        guard requested.remove(requestID) != nil else { return }
        abandoned.insert(requestID)
        abandonedInOrder.append(requestID)
        if abandonedInOrder.count > abandonedLimit, let oldest = abandonedInOrder.popFirst() {
            abandoned.remove(oldest)
        }
    }

    package mutating func answered(_ response: OpenTunnelResponse) -> Answer {
        guard let requestID = RequestID(response.requestID) else { return .ignored }
        if abandoned.remove(requestID) != nil {
            let granted: String? =
                switch response.outcome {
                case .granted(let properties): properties.id
                case .unusable(let id, _): id
                case .error, .empty: nil
                }
            guard let granted, !granted.isEmpty, tunnels[granted] == nil else { return .ignored }
            return .giveBack(tunnelID: granted)
        }
        guard requested.remove(requestID) != nil else { return .ignored }
        switch response.outcome {
        case .error(let error):
            return .failed(requestID: requestID, RetryPolicy.error(error, refusing: "the tunnel"), giveBack: nil)
        case .empty:
            return .failed(requestID: requestID, Self.broken("an empty answer"), giveBack: nil)
        case .unusable(let id, let error):
            let unused = id.flatMap { $0.isEmpty || tunnels[$0] != nil ? nil : $0 }
            return .failed(requestID: requestID, Self.broken("an invalid property: \(error)"), giveBack: unused)
        case .granted(let properties):
            guard let id = properties.id, !id.isEmpty else {
                return .failed(requestID: requestID, Self.broken("no tunnel id"), giveBack: nil)
            }
            guard tunnels[id] == nil else {
                return .failed(
                    requestID: requestID,
                    Self.broken("the id of a tunnel that is already open"),
                    giveBack: nil
                )
            }
            tunnels[id] = .open
            return .opened(requestID: requestID, properties)
        }
    }

    /// Whether the closing request has to be sent; false when it was sent before, or the tunnel is gone.
    package mutating func closeRequested(_ tunnelID: String) -> Bool {
        guard tunnels[tunnelID] == .open else { return false }
        tunnels[tunnelID] = .closing
        return true
    }

    package enum Closing: Hashable, Sendable {
        /// We had requested it.
        case asked
        /// The engine ended the tunnel by itself.
        case unprompted
        case unknown
    }

    package mutating func closed(_ tunnelID: String) -> Closing {
        switch tunnels.removeValue(forKey: tunnelID) {
        case .open: .unprompted
        case .closing: .asked
        case nil: .unknown
        }
    }

    /// Forgets a tunnel that is closing. False when it is not closing.
    package mutating func closeTimedOut(_ tunnelID: String) -> Bool {
        guard tunnels[tunnelID] == .closing else { return false }
        tunnels[tunnelID] = nil
        return true
    }

    /// Whether streams of this tunnel are accepted.
    package func accepts(_ tunnelID: String) -> Bool {
        tunnels[tunnelID] == .open
    }

    /// The channel ended, and every request and tunnel with it.
    package mutating func ended() -> (requests: [RequestID], tunnels: [String]) {
        defer {
            requested = []
            abandoned = []
            abandonedInOrder = []
            tunnels = [:]
        }
        return (requested.sorted(), tunnels.keys.sorted())
    }

    private static func broken(_ what: String) -> RstreamError {
        RstreamError(
            code: .protocolViolation,
            origin: .engine,
            retry: .afterBackoff,
            what: "the engine granted a tunnel with \(what)"
        )
    }
}
