// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamDaemonModel
import RstreamModel
import Testing

@testable import RstreamDaemon

@Suite("A reload's plan for listeners")
struct ListenerPlanTests {
    private typealias Listener = WantedListener<Int, String>

    private func listener(
        _ name: String,
        _ address: Int,
        dial: String = "a",
        options: ListenerOptions = ListenerOptions(),
        context: String = "main",
        engine: String = "engine.test",
        identity: String = "one"
    ) throws -> Listener {
        Listener(
            name: name,
            address: address,
            target: dial,
            options: options,
            context: context,
            engine: .address(try EngineAddress(engine)),
            identity: identity
        )
    }

    private func changes(_ running: [Listener], _ wanted: [Listener]) -> [ListenerPlan.Change] {
        ListenerPlan(running: running, wanted: wanted, disposition: .cut, contextKeys: ["main": [.contextTokenFile]]) {
            _ in 2
        }
        .changes
    }

    @Test("equal listeners do not change, in any order")
    func nothing() throws {
        let (db, web) = (try listener("db", 1), try listener("web", 2, dial: "b"))
        #expect(changes([db, web], [web, db]).isEmpty)
    }

    @Test("another context with the same engine and credential affects no stream")
    func renamed() throws {
        #expect(
            changes([try listener("db", 1)], [try listener("db", 1, context: "renamed")]) == [
                .init(
                    listener: "db",
                    action: .update,
                    disposition: .keep,
                    streams: 2,
                    keys: [.listenerContext],
                    keepsAddress: true
                )
            ]
        )
    }

    @Test(
        "another tunnel, context or engine keeps the socket, another address does not, and streams get the disposition"
    )
    func everything() throws {
        let running = [
            try listener("gone", 1), try listener("routed", 2), try listener("moved", 3), try listener("other", 5),
            try listener("far", 6),
        ]
        let wanted = [
            try listener("routed", 2, dial: "b"), try listener("moved", 4), try listener("added", 1),
            try listener("other", 5, context: "second", identity: "two"),
            try listener("far", 6, engine: "far.test", identity: "far"),
        ]
        #expect(
            changes(running, wanted) == [
                .init(listener: "added", action: .add, disposition: nil, streams: 0),
                .init(
                    listener: "far",
                    action: .replace,
                    disposition: .cut,
                    streams: 2,
                    keys: [.contextTokenFile, .contextEngine],
                    keepsAddress: true
                ),
                .init(listener: "gone", action: .remove, disposition: .cut, streams: 2),
                .init(listener: "moved", action: .replace, disposition: .cut, streams: 2, keys: [.listenerListen]),
                .init(
                    listener: "other",
                    action: .replace,
                    disposition: .cut,
                    streams: 2,
                    keys: [.listenerContext],
                    keepsAddress: true
                ),
                .init(
                    listener: "routed",
                    action: .replace,
                    disposition: .cut,
                    streams: 2,
                    keys: [.listenerDial],
                    keepsAddress: true
                ),
            ]
        )
    }

    @Test(
        "options of a listener keep the socket and affect no stream",
        arguments: [
            (ListenerOptions(dialTimeout: .seconds(1)), ConfigurationKey.listenerDialTimeout),
            (ListenerOptions(streamLimit: 1), .listenerStreams),
            (ListenerOptions(rights: SocketRights(mode: 0o600)), .listenerMode),
            (ListenerOptions(rights: SocketRights(group: "db")), .listenerGroup),
        ]
    )
    func options(options: ListenerOptions, key: ConfigurationKey) throws {
        let (before, after) = (try listener("db", 1), try listener("db", 1, options: options))
        let update = ListenerPlan.Change(
            listener: "db",
            action: .update,
            disposition: .keep,
            streams: 2,
            keys: [key],
            keepsAddress: true
        )
        #expect(changes([before], [after]) == [update])
        #expect(changes([after], [before]) == [update])
        // Together with a key that replaces, it is a replacement.
        let replaced = try #require(changes([before], [try listener("db", 1, dial: "b", options: options)]).first)
        #expect((replaced.action, replaced.disposition) == (.replace, .cut))
        #expect(replaced.keys == [.listenerDial, key])
    }

    @Test("the spelling of a group is compared byte by byte")
    func spelling() throws {
        func options(_ group: String) -> ListenerOptions { ListenerOptions(rights: SocketRights(group: group)) }
        let before = try listener("db", 1, options: options("caf\u{E9}"))
        let after = try listener("db", 1, options: options("cafe\u{301}"))
        #expect(changes([before], [after]).map(\.keys) == [[.listenerGroup]])
    }

    @Test("another credential of the same context affects no stream")
    func credential() throws {
        #expect(
            changes([try listener("db", 1)], [try listener("db", 1, identity: "two")]) == [
                .init(
                    listener: "db",
                    action: .update,
                    disposition: .keep,
                    streams: 2,
                    keys: [.contextTokenFile],
                    keepsAddress: true
                )
            ]
        )
    }
}
