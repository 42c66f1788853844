// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Logging
import RstreamConfig
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("Whether a restart is a take-over", .serialized, .timeLimit(.hang))
struct RestartReplyTests {
    /// What comes of a reply that `body` is done with.
    private static func answer(_ body: (RestartReply) -> Void) async -> RestartReply.Answer {
        await withCheckedContinuation { body(RestartReply($0)) }
    }

    @Test("is answered once, and a stop where nothing is said")
    func once() async {
        let leaves = await Self.answer { reply in
            #expect(reply.take())
            reply.answer(.leaves)
            reply.answer(.stops)
            reply.timePassed()
            #expect(!reply.take())
        }
        #expect(leaves == .leaves)
        let forgotten = await Self.answer { #expect($0.take()) }
        #expect(forgotten == .stops)
    }

    @Test("is no more open once its time is over")
    func late() async {
        let late = await Self.answer { reply in
            reply.timePassed()
            #expect(!reply.take())
            reply.answer(.leaves)
        }
        #expect(late == .isLate)
    }

    @Test("takes the time that it takes once the request loop has it, until it is given back")
    func taken() async {
        let leaves = await Self.answer { reply in
            reply.expire(after: .seconds(600))
            #expect(reply.take())
            reply.timePassed()
            #expect(reply.take())
            reply.answer(.leaves)
        }
        #expect(leaves == .leaves)
        let late = await Self.answer { reply in
            #expect(reply.take())
            reply.expire(after: .seconds(600))
            reply.timePassed()
            #expect(!reply.take())
        }
        #expect(late == .isLate)
    }

    @Test("is a stop while a reload waits for a disk, and no take-over begins later", arguments: [true, false])
    func whileLoading(isStopped: Bool) async throws {
        try await RunningDaemon.with(DaemonConfiguration()) { daemon in
            let gate = RunningDaemon.Gate()
            defer { gate.open() }
            daemon.files.change { $0 = .slow(gate) }
            daemon.daemon.reload(.signal)
            try await gate.isReached.wait(for: "the reading of the files") { $0 }
            let leaves = await daemon.daemon.askToLeave(within: .zero)
            #expect(!leaves)
            #expect(daemon.log.lines("restart without a take-over").map(\.level) == [.warning])
            if isStopped {
                daemon.daemon.stop()
                try await daemon.waitForEnd()
            } else {
                daemon.files.change { $0 = .good(DaemonConfiguration()) }
                gate.open()
                // The second one comes after the restart.
                daemon.daemon.reload(.signal)
                try await daemon.log.wait(for: "configuration unchanged", count: 2)
            }
            // What a take-over says that cannot begin, as here without systemd.
            #expect(daemon.log.lines("no process takes over, stopping").isEmpty)
        }
    }

    @Test("is begun where the request loop is free")
    func free() async throws {
        try await RunningDaemon.with(DaemonConfiguration()) { daemon in
            let leaves = await daemon.daemon.askToLeave(within: testTimeout)
            #expect(!leaves, "there is no systemd here")
            #expect(daemon.log.lines("no process takes over, stopping").count == 1)
            #expect(daemon.warnings.isEmpty)
        }
    }
}
