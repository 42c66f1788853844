// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Testing

@testable import DockerTunnels

@Suite("what is said")
struct NoticeTests {
    private static let one = Complaint(container: "a", label: "l", reason: "one")
    private static let two = Complaint(container: "a", label: "l", reason: "two")

    private static func machine() -> NoticeStateMachine { NoticeStateMachine(host: "unix:///s", path: "/f") }

    @Test("about labels is said once for as long as it is so")
    func complaints() {
        var machine = Self.machine()
        #expect(machine.listed([Self.one]).map(\.text) == [#"container "a": label l: one"#])
        #expect(machine.listed([Self.one]) == [])
        #expect(machine.listed([Self.one, Self.two]) == [Notice(.warning, #"container "a": label l: two"#)])
        #expect(machine.listed([]) == [])
        #expect(machine.listed([Self.two]).count == 1)
    }

    @Test("about an API that is away is said once, and so is that it is back")
    func outage() {
        var machine = Self.machine()
        #expect(machine.answered() == [])
        #expect(
            machine.failed(.notPermitted) == [
                Notice(
                    .warning,
                    "unix:///s is away: this user may not open the socket; the group docker may; "
                        + "the tunnel file stays as it is until it is back"
                )
            ]
        )
        #expect(machine.failed(.notPermitted) == [])
        #expect(machine.failed(.cutShort) == [])
        #expect(machine.answered() == [Notice(.notice, "unix:///s is back")])
        #expect(machine.answered() == [])
        #expect(machine.failed(.cutShort).count == 1)
    }

    @Test("about the file is that it was written, and why it cannot be")
    func file() {
        var machine = Self.machine()
        #expect(machine.kept(tunnels: 1, isWritten: true) == [Notice(.info, "/f: 1 tunnel")])
        #expect(machine.kept(tunnels: 1, isWritten: false) == [])
        #expect(machine.kept(tunnels: 0, isWritten: true) == [Notice(.info, "/f: 0 tunnels")])
        #expect(machine.writeFailed("full") == [Notice(.error, "/f cannot be written: full")])
        #expect(machine.writeFailed("full") == [])
        #expect(machine.writeFailed("broken").count == 1)
        // It has what it is to have again, whoever wrote it.
        #expect(machine.kept(tunnels: 2, isWritten: false) == [Notice(.info, "/f: 2 tunnels")])
    }

    @Test("has no text of a container that could be taken for a line of its own")
    func lines() {
        let complaint = Complaint(container: "a\nb", label: "l\u{1B}[31m", reason: "r\rs")
        #expect("\(complaint)" == #"container "a\nb": label l\u{1B}[31m: r\u{D}s"#)
    }

    @Test("is asked again after waits that double, and begin anew after an answer")
    func waits() {
        var retry = RetryDelay(minimum: .seconds(1), maximum: .seconds(5))
        #expect((0..<5).map { _ in retry.failed() } == [1, 2, 4, 5, 5].map { .seconds($0) })
        retry.answered()
        #expect(retry.failed() == .seconds(1))
    }
}
