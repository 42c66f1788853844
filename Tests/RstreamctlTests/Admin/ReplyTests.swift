// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamModel
import Testing

@Suite("The answers of the admin API")
struct ReplyTests {
    private struct Sample: Codable, Hashable {
        @OrNull var text: String?
        @OrNull var number: Int?
    }

    private static func text(_ value: some Encodable) throws -> String {
        String(decoding: try AdminJSON.encode(value), as: UTF8.self)
    }

    @Test("a field without a value is null in JSON, and read as none")
    func null() throws {
        let sample = Sample(text: nil, number: 3)
        #expect(try Self.text(sample) == #"{"number":3,"text":null}"#)
        #expect(try AdminJSON.decode(Sample.self, from: Array(#"{"number":3,"text":null}"#.utf8)) == sample)
    }

    @Test("a field that an older daemon does not send has no value")
    func absent() throws {
        #expect(try AdminJSON.decode(Sample.self, from: Array("{}".utf8)) == Sample(text: nil, number: nil))
    }

    @Test("a field of another kind is an error, not null")
    func wrongKind() {
        #expect(throws: (any Error).self) {
            try AdminJSON.decode(Sample.self, from: Array(#"{"text":7}"#.utf8))
        }
    }

    @Test("equal answers are equal bytes, and slashes stay as they are")
    func bytes() throws {
        let labels = ["b": "/2", "a": "/1", "c": "/3"]
        #expect(try Self.text(labels) == #"{"a":"/1","b":"/2","c":"/3"}"#)
    }

    @Test("a status is as wanted when every enabled tunnel is online and every listener listens")
    func asWanted() {
        func status(_ tunnels: [TunnelStatus.State], _ listeners: [ListenerStatus.State] = []) -> DaemonStatus {
            let time = UTCTime(milliseconds: 0)
            return DaemonStatus(
                daemon: DaemonFacts(
                    version: "1",
                    pid: 1,
                    state: .running,
                    startedAt: time,
                    configFiles: [],
                    lastReload: nil
                ),
                sessions: [],
                tunnels: tunnels.map {
                    TunnelStatus(
                        name: "a",
                        context: "b",
                        state: $0,
                        forward: "c",
                        properties: PropertiesReport(TunnelProperties()),
                        since: time
                    )
                },
                listeners: listeners.map { ListenerStatus(name: "a", context: "b", state: $0, listen: "c", dial: "d") },
                streams: StreamCounts()
            )
        }
        #expect(status([]).isAsWanted)
        #expect(status([.online, .disabled, .draining, .closed], [.listening]).isAsWanted)
        for state in [TunnelStatus.State.pending, .opening, .rejected] {
            #expect(!status([.online, state]).isAsWanted)
        }
        #expect(!status([.online], [.waiting]).isAsWanted)
    }

    @Test("every problem has the status that its code stands for", arguments: Problem.Code.allCases)
    func problems(code: Problem.Code) throws {
        let problem = Problem(code, "so")
        #expect((400...599).contains(problem.status))
        #expect(!problem.title.isEmpty)
        #expect(try AdminJSON.decode(Problem.self, from: try AdminJSON.encode(problem)) == problem)
    }
}
