// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import DequeModule
package import RstreamModel

/// A request of an inspected tunnel, as it is remembered.
package struct LoggedRequest: Hashable, Sendable {
    /// Counts the requests of the tunnel in the order in which they ended, from one on.
    package let number: Int
    /// The number of its ``StreamSnapshot``.
    package let stream: UInt64
    /// The visitor's address, if it is known.
    package let source: IPAddress?
    /// When its first byte came.
    package let time: UTCTime
    package let ended: UTCTime
    package fileprivate(set) var request: InspectedRequest
}

/// The latest requests of one tunnel: so many, and of so many bytes.
package struct RequestRing: Hashable, Sendable {
    /// Requests of a tunnel.
    package static let most = 200
    /// What those of a tunnel take of memory, and those of all tunnels together.
    package static let mostMemory = 1_024 * 1_024
    package static let mostMemoryOfAll = 16 * 1_024 * 1_024

    /// In the order in which they ended.
    package private(set) var requests: Deque<LoggedRequest> = []
    /// All that there were.
    package private(set) var total = 0
    /// What the requests may take of memory.
    private var room = 0
    private var size = 0

    package init() {}

    /// What the requests of each of so many tunnels may take of memory.
    package static func share(among tunnels: Int) -> Int { min(mostMemory, mostMemoryOfAll / max(1, tunnels)) }

    /// From now on the requests may take so much of memory.
    package mutating func limit(to room: Int) {
        self.room = room
        makeRoom()
    }

    /// Remembers a request without its bodies, and returns all of it.
    @discardableResult
    package mutating func append(
        _ request: InspectedRequest,
        of stream: UInt64,
        _ source: IPAddress?,
        endedAt ended: UTCTime
    ) -> LoggedRequest {
        total += 1
        let time = ended.advanced(by: .zero - request.duration)
        let whole = LoggedRequest(
            number: total,
            stream: stream,
            source: source,
            time: time,
            ended: ended,
            request: request
        )
        var kept = whole
        kept.request.bodies = nil
        size += kept.request.size
        requests.append(kept)
        makeRoom()
        return whole
    }

    /// Drops the oldest ones beyond the limits.
    private mutating func makeRoom() {
        while requests.count > Self.most || size > room, let oldest = requests.popFirst() {
            size -= oldest.request.size
        }
    }
}
