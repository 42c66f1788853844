// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import NIOCore

/// Sends changes to watchers: the source of `/api/sse` and `/api/websocket`.
final class EventHub {
    enum Kind: String, Encodable {
        case initial = "state.initial"
        case clientCreated = "client.created"
        case clientDeleted = "client.deleted"
        case tunnelCreated = "tunnel.created"
        case tunnelDeleted = "tunnel.deleted"
    }

    enum Object: Encodable {
        case snapshot(Snapshot)
        case client(ClientDocument)
        case tunnel(TunnelDocument)

        func encode(to encoder: any Encoder) throws {
            switch self {
            case .snapshot(let snapshot): try snapshot.encode(to: encoder)
            case .client(let client): try client.encode(to: encoder)
            case .tunnel(let tunnel): try tunnel.encode(to: encoder)
            }
        }
    }

    /// The current state, the first event of every watch.
    struct Snapshot: Encodable {
        let snapshotAt: String
        let clients: [ClientDocument]
        let tunnels: [TunnelDocument]

        private enum CodingKeys: String, CodingKey {
            case clients, tunnels
            case snapshotAt = "snapshot_at"
        }
    }

    private struct Event: Encodable {
        let type: Kind
        let id: String
        let createdAt: String
        let object: Object

        private enum CodingKeys: String, CodingKey {
            case type, id, object
            case createdAt = "created_at"
        }
    }

    /// A client that watches events, and how an event's JSON reaches it.
    final class Watcher {
        let parameters: WatchParameters?
        let send: (String) -> Void

        init(parameters: WatchParameters?, send: @escaping (String) -> Void) {
            self.parameters = parameters
            self.send = send
        }

        func wants(_ client: ClientDocument) -> Bool {
            guard let parameters else { return true }
            return parameters.clients?.matches(client) ?? false
        }

        func wants(_ tunnel: TunnelDocument) -> Bool {
            guard let parameters else { return true }
            return parameters.tunnels?.matches(tunnel) ?? false
        }
    }

    private var watchers: [ObjectIdentifier: Watcher] = [:]

    var count: Int { watchers.count }

    /// Adds a watcher and sends it the current state.
    func add(_ watcher: Watcher, clients: [ClientDocument], tunnels: [TunnelDocument]) {
        watchers[ObjectIdentifier(watcher)] = watcher
        let snapshot = Snapshot(
            snapshotAt: Date().formatted(.iso8601),
            clients: clients.filter(watcher.wants),
            tunnels: tunnels.filter(watcher.wants)
        )
        if let text = Self.text(.initial, .snapshot(snapshot)) { watcher.send(text) }
    }

    func remove(_ watcher: Watcher) {
        watchers[ObjectIdentifier(watcher)] = nil
    }

    func publish(_ kind: Kind, _ object: Object) {
        let interested = watchers.values.filter { watcher in
            switch object {
            case .snapshot: true
            case .client(let client): watcher.wants(client)
            case .tunnel(let tunnel): watcher.wants(tunnel)
            }
        }
        guard !interested.isEmpty, let text = Self.text(kind, object) else { return }
        for watcher in interested { watcher.send(text) }
    }

    private static func text(_ kind: Kind, _ object: Object) -> String? {
        JSON.text(
            Event(type: kind, id: Identifiers.uuid(), createdAt: Date().formatted(.iso8601), object: object)
        )
    }
}

/// JSON as the API writes it: keys in a stable order.
enum JSON {
    static func text(_ value: some Encodable) -> String? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) }
    }
}
