// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import DequeModule

/// Decides which inbound streams are opened now, later, or not at all (PROTOCOL.md §6).
///
/// A stream is active from the start of its opening until its answer was written. Requests beyond the limit of active
/// streams wait in order, and requests beyond the limit of waiting ones are refused one by one, which never ends the
/// control channel.
package struct AdmissionStateMachine<Request: Sendable>: Sendable {
    package enum Decision {
        case start(Request)
        case wait
        case refuse
        /// The id is in use: answering it would end the stream that has it.
        case ignore
    }

    fileprivate struct Waiting: Sendable {
        let id: String
        let request: Request
    }

    private var active: Int
    private var pending: Int
    private var running: Set<String> = []
    private var queue: Deque<Waiting> = []
    private var queued: Set<String> = []

    package init(active: Int, pending: Int) {
        self.active = max(active, 1)
        self.pending = max(pending, 0)
    }

    /// Changes the limits; streams that run or wait stay. ``next()`` starts those for which there is room now.
    package mutating func limitsChanged(active: Int, pending: Int) {
        self.active = max(active, 1)
        self.pending = max(pending, 0)
    }

    /// Whether the stream is active: it is being opened, or its answer is not written yet.
    package func isRunning(_ id: String) -> Bool { running.contains(id) }

    /// Whether the id is in use, by a stream that runs or waits.
    package func contains(_ id: String) -> Bool { running.contains(id) || queued.contains(id) }

    package mutating func requested(_ id: String, _ request: Request) -> Decision {
        if contains(id) { return .ignore }
        if running.count < active {
            running.insert(id)
            return .start(request)
        }
        guard queue.count < pending else { return .refuse }
        queue.append(Waiting(id: id, request: request))
        queued.insert(id)
        return .wait
    }

    /// The stream's answer was written, or it ended without one; the next in line starts.
    package mutating func finished(_ id: String) -> Request? {
        running.remove(id) == nil ? nil : next()
    }

    /// Starts the stream that has waited longest, if there is room.
    package mutating func next() -> Request? {
        // Lower limits may have come while more streams ran than they allow.
        guard running.count < active, let next = queue.popFirst() else { return nil }
        queued.remove(next.id)
        running.insert(next.id)
        return next.request
    }

    /// Whether a request waits for its start.
    package var hasWaiting: Bool { !queue.isEmpty }

    /// The requests that wait for their start, in order.
    package var waiting: [Request] { queue.map { $0.request } }

    /// Forgets everything.
    ///
    /// - Returns: The ids of the active streams.
    package mutating func ended() -> [String] {
        defer {
            running = []
            queued = []
            queue = []
        }
        return running.sorted()
    }
}

extension AdmissionStateMachine: Equatable where Request: Equatable {}
extension AdmissionStateMachine.Waiting: Equatable where Request: Equatable {}
