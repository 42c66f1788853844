import RstreamCore
import Testing

@Suite("A reload's plan for listeners")
struct ListenerPlanTests {
    private typealias Listener = WantedListener<Int, String>

    private func changes(_ running: [Listener], _ wanted: [Listener]) -> [ListenerPlan.Change] {
        ListenerPlan(running: running, wanted: wanted) { _ in 2 }.changes
    }

    @Test("equal listeners are left alone, in whatever order they stand")
    func nothing() {
        let (db, web) = (Listener(name: "db", place: 1, route: "a"), Listener(name: "web", place: 2, route: "b"))
        #expect(changes([db, web], [web, db]).isEmpty)
    }

    @Test("another route keeps the socket, another place does not, and what goes makes room first")
    func everything() {
        let running = [
            Listener(name: "gone", place: 1, route: "a"), Listener(name: "routed", place: 2, route: "a"),
            Listener(name: "moved", place: 3, route: "a"),
        ]
        let wanted = [
            Listener(name: "routed", place: 2, route: "b"), Listener(name: "moved", place: 4, route: "a"),
            Listener(name: "added", place: 1, route: "a"),
        ]
        #expect(
            changes(running, wanted) == [
                .init(listener: "gone", action: .remove, streams: 2),
                .init(listener: "added", action: .add, streams: 0),
                .init(listener: "moved", action: .replace, streams: 2),
                .init(listener: "routed", action: .update, streams: 2),
            ]
        )
    }
}
