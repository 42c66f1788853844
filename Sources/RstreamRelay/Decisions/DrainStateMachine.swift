// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Decides when a stop is complete that waits for open streams.
package enum DrainStateMachine: Hashable, Sendable {
    case serving(openStreams: Int)
    case draining(openStreams: Int)
    case closed

    package enum Action: Hashable, Sendable {
        case none
        /// The last stream has ended.
        case close
    }

    package init() {
        self = .serving(openStreams: 0)
    }

    package var openStreams: Int {
        switch self {
        case .serving(let open), .draining(let open): open
        case .closed: 0
        }
    }

    /// - Returns: Whether the stream is taken; after a stop none is.
    package mutating func streamOpened() -> Bool {
        switch self {
        case .serving(let open):
            self = .serving(openStreams: open + 1)
            return true
        case .draining, .closed:
            return false
        }
    }

    package mutating func streamClosed() -> Action {
        switch self {
        case .serving(let open):
            self = .serving(openStreams: max(0, open - 1))
            return .none
        case .draining(let open) where open <= 1:
            self = .closed
            return .close
        case .draining(let open):
            self = .draining(openStreams: open - 1)
            return .none
        case .closed:
            return .none
        }
    }

    package mutating func drainRequested() -> Action {
        switch self {
        case .serving(openStreams: 0):
            self = .closed
            return .close
        case .serving(let open):
            self = .draining(openStreams: open)
            return .none
        case .draining:
            return .none
        case .closed:
            return .close
        }
    }
}
