// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamTestSupport
import Testing

@testable import DockerTunnels

@Suite("events of containers")
struct EventTests {
    private static let container = TestContainer("web", labels: [:])

    @Test(
        "are a reason to list the containers where a container comes, goes or changes",
        arguments: [
            "start", "stop", "die", "destroy", "rename", "update", "create", "connect", "disconnect", "pause",
            "unpause",
            // Podman's.
            "died", "remove", "restart",
        ]
    )
    func concerning(action: String) {
        #expect(ContainerEvent.concernsListing(Array(Self.container.event(action).utf8)))
        #expect(ContainerEvent.concernsListing(Array(#"{"status":"\#(action)"}"#.utf8)))
    }

    @Test(
        "are none where nothing of that happens",
        arguments: [
            "exec_create: /bin/check", "exec_start: /bin/check", "exec_die", "health_status: healthy", "top", "attach",
            "", "START", "st\u{301}art", String(repeating: "start", count: 100_000),
        ]
    )
    func others(action: String) {
        #expect(!ContainerEvent.concernsListing(Array(Self.container.event(action).utf8)))
    }

    @Test("are one where they cannot be read", arguments: ["", "{", "[]", "{}", #"{"Action":1}"#, "\u{0}", "\u{FF}"])
    func unreadable(text: String) {
        #expect(ContainerEvent.concernsListing(Array(text.utf8)))
    }

    @Test("are lines, however they arrive")
    func lines() {
        let text = "one\n\r\n \ntwo\r\nthree"
        for size in 1...text.utf8.count {
            var lines = EventLines()
            var found: [EventLines.Item] = []
            for start in stride(from: 0, to: text.utf8.count, by: size) {
                found += lines.read(ByteBuffer(bytes: Array(text.utf8).dropFirst(start).prefix(size)))
            }
            #expect(found == [.line(Array("one".utf8)), .line(Array("two\r".utf8))], "pieces of \(size)")
            #expect(lines.read(ByteBuffer(string: "\n")) == [.line(Array("three".utf8))])
        }
    }

    @Test("that are too long are told, and not kept")
    func tooLong() {
        var lines = EventLines(longest: 4)
        #expect(lines.read(ByteBuffer(string: "1234\n12345\n1\n")).count == 3)
        #expect(lines.read(ByteBuffer(string: "123")) == [])
        #expect(lines.read(ByteBuffer(string: "45")) == [])
        for _ in 0..<100 { #expect(lines.read(ByteBuffer(string: "67890")) == []) }
        #expect(lines.read(ByteBuffer(string: "\n12\n")) == [.tooLong, .line(Array("12".utf8))])
    }
}
