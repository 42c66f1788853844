// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Linux
import RstreamDaemonModel
import RstreamRelay
import Testing

@testable import RstreamDaemon

@Suite("Messages of a take-over")
struct UpgradeMessageTests {
    @Test(
        "are the same at the other end",
        arguments: [
            UpgradeMessage.hello(version: 1, program: "1.2.3", pid: 4), .started(pid: 5), .context(name: "main"),
            .tunnel(
                .init(name: "web", engine: "e:443", protocol: "http", hostname: "a.b", port: nil, isOnline: true)
            ),
            .tunnel(
                .init(
                    name: "mine",
                    engine: "e:443",
                    isOnline: false,
                    byHand: .init(file: "version: 1\n", user: 7, process: 8, isDetached: true, until: 9)
                )
            ),
            .sockets(SocketLabel(role: .admin, address: "/run/a.sock", file: .init(device: 1, node: 2))),
            .inventoryEnd, .begin, .released(tunnel: "web"), .committed(reloads: true), .abort(reason: "no"),
            .report(.init(pid: 1, version: "1", streams: 2, until: 3)), .gone(pid: 1),
            .refused(reason: "no", diagnostics: []), .ready, .release(tunnel: "web"), .done(drainSeconds: 1.5),
            .stop(withinSeconds: 0),
        ]
    )
    func roundTrip(message: UpgradeMessage) throws {
        #expect(try UpgradeMessage(record: message.record) == message)
    }

    @Test("the first half of the program writes what the daemon reads")
    func started() throws {
        #expect(try UpgradeMessage(record: Array(#"{"started":{"pid":12}}"#.utf8)) == .started(pid: 12))
    }

    @Test("a tunnel of a program that knows nothing of tunnels by hand is none")
    func older() throws {
        let record = #"{"tunnel":{"_0":{"name":"web","engine":"e:443","isOnline":true}}}"#
        let expected = UpgradeMessage.Tunnel(name: "web", engine: "e:443", isOnline: true)
        #expect(try UpgradeMessage(record: Array(record.utf8)) == .tunnel(expected))
    }

    @Test(
        "an entry that is too long for a record is left out, and no other",
        arguments: [
            ("a", 100, true), ("a", 60_000, true), ("a", 70_000, false),
            // Two bytes each in JSON.
            ("\n", 30_000, true), ("\n", 40_000, false),
        ]
    )
    func fitting(letter: String, count: Int, fits: Bool) throws {
        let text = String(repeating: letter, count: count)
        let owner = UpgradeMessage.ByHand(file: text, user: 7, process: 8, isDetached: true, until: nil)
        let tunnel = UpgradeMessage.Tunnel(name: "mine", engine: "e:443", isOnline: true, byHand: owner)
        let fitting = tunnel.fitting
        #expect(try UpgradeMessage(record: UpgradeMessage.tunnel(fitting).record) == .tunnel(fitting))
        #expect(fitting.byHand?.file == (fits ? text : ""))
        #expect(fitting.name == "mine" && fitting.byHand?.user == 7)
    }

    private static func byHand(_ fields: String) -> String {
        #"{"tunnel":{"_0":{"name":"mine","engine":"e:443","isOnline":true,"byHand":{\#(fields)}}}}"#
    }

    @Test(
        "what is no message is an error",
        arguments: [
            "", "{}", "{\"other\":{}}", "{\"ready\":1", "[]", byHand(""),
            byHand(#""file":"","user":-1,"process":1,"isDetached":true"#),
            byHand(#""file":"","user":4294967296,"process":1,"isDetached":true"#),
            byHand(#""file":"","user":1,"process":1e99,"isDetached":true"#),
            byHand(#""file":[],"user":1,"process":1,"isDetached":true"#),
            byHand(#""file":"","user":1,"process":1,"isDetached":"no""#),
        ]
    )
    func mistakes(text: String) {
        #expect(throws: UpgradeFailure.self) { try UpgradeMessage(record: Array(text.utf8)) }
    }

    @Test("totals are added to those of the process itself, except for streams that are open elsewhere")
    func totals() {
        var before = StreamTotals()
        before.active = 3
        before.ended = [.completed: 5, .lost: 1]
        before.refused = [.ownLimit: 2]
        before.failed = 1
        before.received = 100
        before.sent = 200
        before.opening.observe(.milliseconds(3))
        let received = UpgradeMessage.Totals(before, of: .tunnel("web"))
        #expect(received.owner == .tunnel("web"))
        let ledger = StreamLedger()
        ledger.carry(received.totals)
        ledger.carry(received.totals)
        let totals = ledger.totals
        #expect(totals.active == 0)
        #expect(totals.ended == before.ended)
        #expect(totals.refused == before.refused)
        #expect((totals.failed, totals.received, totals.sent) == (1, 100, 200))
        #expect(totals.opening == before.opening)
    }

    @Test("records arrive whole, in order and with their descriptors, and an end is an end")
    func records() async throws {
        let (first, second) = try RecordSocket.makePair()
        let threads = BlockingThreads(most: 1)
        let (events, send) = AsyncStream<UpgradeLink.Event>.makeStream()
        let (sender, receiver) = (UpgradeLink(first), UpgradeLink(second))
        receiver.receive { event in
            send.yield(event)
            if case .ended = event { send.finish() }
        }
        let descriptor = try #require(await threads.run { try? RecordSocket.makePair() }).0
        sender.send(.ready)
        let label = SocketLabel(role: .listener, address: "127.0.0.1:1", file: nil)
        sender.send(.sockets(label), [dup(descriptor.descriptor)])
        sender.hangUp()
        var (messages, descriptors): ([UpgradeMessage], [CInt]) = ([], [])
        for await event in events {
            if case .message(let message, let passed) = event {
                messages.append(message)
                descriptors += passed
            }
        }
        #expect(messages == [.ready, .sockets(label)])
        #expect(descriptors.count == 1)
        for descriptor in descriptors { close(descriptor) }
    }
}
