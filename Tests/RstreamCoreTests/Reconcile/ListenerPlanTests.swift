import RstreamCore
import RstreamModel
import Testing

@Suite("A reload's plan for listeners")
struct ListenerPlanTests {
    private typealias Listener = WantedListener<Int, String>

    private func listener(
        _ name: String,
        _ place: Int,
        dial: String = "a",
        context: String = "main",
        engine: String = "engine.test",
        identity: String = "one"
    ) throws -> Listener {
        Listener(
            name: name,
            place: place,
            target: dial,
            context: context,
            engine: .address(try EngineAddress(engine)),
            identity: identity
        )
    }

    private func changes(_ running: [Listener], _ wanted: [Listener]) -> [ListenerPlan.Change] {
        ListenerPlan(running: running, wanted: wanted, fate: .cut, contextKeys: ["main": [.contextTokenFile]]) { _ in 2
        }
        .changes
    }

    @Test("equal listeners are left alone, in whatever order they stand, and so is one whose context has another name")
    func nothing() throws {
        let (db, web) = (try listener("db", 1), try listener("web", 2, dial: "b"))
        #expect(changes([db, web], [web, db]).isEmpty)
        #expect(changes([db], [try listener("db", 1, context: "renamed")]).isEmpty)
    }

    @Test("another tunnel, context or engine keeps the socket, another place does not, and the streams go by the word")
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
                .init(listener: "added", action: .add, fate: nil, streams: 0),
                .init(
                    listener: "far",
                    action: .replace,
                    fate: .cut,
                    streams: 2,
                    keys: [.contextTokenFile, .contextEngine],
                    keepsPlace: true
                ),
                .init(listener: "gone", action: .remove, fate: .cut, streams: 2),
                .init(listener: "moved", action: .replace, fate: .cut, streams: 2, keys: [.listenerListen]),
                .init(
                    listener: "other",
                    action: .replace,
                    fate: .cut,
                    streams: 2,
                    keys: [.listenerContext],
                    keepsPlace: true
                ),
                .init(
                    listener: "routed",
                    action: .replace,
                    fate: .cut,
                    streams: 2,
                    keys: [.listenerDial],
                    keepsPlace: true
                ),
            ]
        )
    }

    @Test("what is shown to the engine under the same name touches no stream")
    func credential() throws {
        #expect(
            changes([try listener("db", 1)], [try listener("db", 1, identity: "two")]) == [
                .init(
                    listener: "db",
                    action: .update,
                    fate: .keep,
                    streams: 2,
                    keys: [.contextTokenFile],
                    keepsPlace: true
                )
            ]
        )
    }
}
