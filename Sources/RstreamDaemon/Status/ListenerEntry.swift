// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamRelay

/// What the ``StatusStore`` holds about a listener.
struct ListenerEntry: Sendable {
    let name: String
    let context: String
    let listen: String
    let dial: String
    let service: ListenerService
    var isListening = false
    var error: ErrorReport?
    /// The limits that refuse streams now.
    var limitErrors: [StreamLimit: ErrorReport] = [:]

    /// The error to show first.
    var problem: ErrorReport? { error ?? limitErrors[.owner] ?? limitErrors[.daemon] }

    var ledger: StreamLedger { service.listener.ledger }
}

/// The tunnel or listener that a stream belongs to.
enum StreamOwner: Hashable, Sendable {
    case tunnel(String)
    case listener(String)

    var kind: String {
        switch self {
        case .tunnel: "tunnel"
        case .listener: "listener"
        }
    }

    var name: String {
        switch self {
        case .tunnel(let name), .listener(let name): name
        }
    }

    var logKey: String {
        switch self {
        case .tunnel: LogKey.tunnel
        case .listener: LogKey.listener
        }
    }

    /// Sets the field of an event that names the owner.
    func mark(_ event: inout Event) {
        switch self {
        case .tunnel(let name): event.tunnel = name
        case .listener(let name): event.listener = name
        }
    }
}
