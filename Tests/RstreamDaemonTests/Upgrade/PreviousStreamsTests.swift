// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import RstreamAdmin
import RstreamModel
import Testing

@testable import RstreamDaemon

@Suite("Streams of a process before this one")
struct PreviousStreamsTests {
    private static func stream(_ id: String) -> StreamStatus {
        StreamStatus(id: id, tunnel: "web", state: .relaying, openedAt: .now)
    }

    @Test("an answer may come in parts, and other questions' answers are not taken for it")
    func parts() async {
        let (asked, send) = AsyncStream<UpgradeMessage>.makeStream()
        let previous = PreviousStreams(patience: .seconds(600)) { send.yield($0) }
        async let answer = previous.list()
        var messages = asked.makeAsyncIterator()
        guard case .listStreams(let question)? = await messages.next() else {
            Issue.record("nothing was asked")
            return
        }
        let first = previous.take(.streams(question: question, [Self.stream("70-1")]))
        let other = previous.take(.streams(question: question + 1, [Self.stream("70-9")]))
        let second = previous.take(.streams(question: question, [Self.stream("70-2")]))
        let end = previous.take(.answered(question: question, isFound: true))
        #expect(first && !other && second && end)
        #expect(await answer.map(\.id) == ["70-1", "70-2"])
        let late = previous.take(.answered(question: question, isFound: true))
        #expect(!late)
    }

    @Test("a stream is cut by its number and its process's")
    func cut() async {
        let (asked, send) = AsyncStream<UpgradeMessage>.makeStream()
        let previous = PreviousStreams(patience: .seconds(600)) { send.yield($0) }
        async let found = previous.cut(3, of: 70)
        var messages = asked.makeAsyncIterator()
        guard case .cutStream(let question, 70, 3)? = await messages.next() else {
            Issue.record("nothing was asked")
            return
        }
        let end = previous.take(.answered(question: question, isFound: true))
        #expect(end)
        #expect(await found)
    }

    @Test("the end of the process ends every question")
    func ends() async {
        let (asked, send) = AsyncStream<UpgradeMessage>.makeStream()
        let previous = PreviousStreams(patience: .seconds(600)) { send.yield($0) }
        async let answer = previous.list()
        async let found = previous.cut(1, of: 70)
        var messages = asked.makeAsyncIterator()
        _ = await messages.next()
        _ = await messages.next()
        previous.endAll()
        #expect(await answer.isEmpty)
        #expect(await found == false)
    }

    @Test("an id tells the process, and is written in one way only")
    func ids() {
        let id = PreviousStreamID("70-3")
        #expect(id?.process == 70 && id?.stream == 3)
        for text in ["3", "-3", "70-", "70-3-1", "070-3", "70-03", "+70-3", "0-3", "70 -3", "x-3"] {
            #expect(PreviousStreamID(text) == nil, "\(text)")
        }
        let left = Self.stream("3").left(in: 70)
        #expect(left.id == "70-3" && left.process == 70 && left.state == .draining)
        #expect(left.left(in: 71) == left)
    }
}
