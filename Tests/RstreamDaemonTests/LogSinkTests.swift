// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Dispatch
import Glibc
import Logging
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The log sink")
struct LogSinkTests {
    /// A sink whose writer proceeds when a test permits it.
    private struct Reader: Sendable {
        /// What was begun to be written; the last one may be stuck.
        let begun = Observed<[String]>([])
        private let gate = DispatchSemaphore(value: 0)
        let sink: LogSink

        init(_ capacity: LogSink.Capacity) {
            let (begun, gate) = (begun, gate)
            sink = LogSink(capacity: capacity) { record in
                let facts = record.facts.map { " \($0.key)=\($0.text)" }.joined()
                begun.change { $0.append(record.message + facts) }
                gate.wait()
            }
        }

        func read(_ count: Int) {
            for _ in 0..<count { gate.signal() }
        }

        func say(_ numbers: some Sequence<Int>) {
            for number in numbers { sink.take(LogRecord(.critical, "\(number)")) }
        }
    }

    private static func texts(_ numbers: some Sequence<Int>) -> [String] { numbers.map { "\($0)" } }

    private static func lost(_ count: Int) -> String { "\(LogSink.droppedLines) count=\(count)" }

    @Test("writes lines in order, and the rest when it is closed")
    func order() {
        let written = Observed<[String]>([])
        let sink = LogSink { record in written.change { $0.append(record.message) } }
        for number in 0..<1_000 { sink.take(LogRecord(.info, "\(number)")) }
        sink.close(within: testTimeout)
        #expect(written.value == Self.texts(0..<1_000))
        sink.take(LogRecord(.info, "too late"))
        sink.close(within: testTimeout)
        #expect(written.value.count == 1_000)
    }

    @Test("without a thread writes on the caller's, in order, one line at a time and all of them")
    func noThread() async throws {
        let written = Observed<[String]>([])
        let (isStuck, gate) = (Observed(false), DispatchSemaphore(value: 0))
        let write = { @Sendable (record: LogRecord) in
            if record.message == "stuck" {
                isStuck.change { $0 = true }
                gate.wait()
            }
            written.change { $0.append(record.message) }
        }
        let sink = LogSink(start: { _ in false }, write: write)
        sink.take(LogRecord(.info, "first"))
        #expect(written.value == ["first"])
        DispatchQueue.global().async { sink.take(LogRecord(.info, "stuck")) }
        try await isStuck.wait(for: "a line that nobody reads") { $0 }
        // Whoever writes already does it for all.
        for number in 0..<3 { sink.take(LogRecord(.info, "\(number)")) }
        #expect(written.value == ["first"])
        gate.signal()
        sink.close(within: testTimeout)
        #expect(written.value == ["first", "stuck", "0", "1", "2"])
        let idle = LogSink(start: { _ in false }, write: write)
        let isClosed = Observed(false)
        DispatchQueue.global().async {
            idle.close(within: .seconds(600))
            isClosed.change { $0 = true }
        }
        try await isClosed.wait(for: "the end of a sink that waits for nobody") { $0 }
    }

    @Test("keeps lines up to its capacity while the log is not read, and counts the others")
    func fullQueue() async throws {
        let reader = Reader(.init(lines: 10))
        let start = ContinuousClock.now
        reader.say(0..<10_000)
        // No line was read, so a call that waited for one would still wait.
        reader.sink.close(within: .milliseconds(20))
        #expect(start.duration(to: .now) >= .milliseconds(20))
        #expect(reader.sink.dropped == 9_990)
        reader.read(11)
        try await reader.begun.wait(for: "the lines that were kept") { $0.count == 11 }
        #expect(reader.begun.value == Self.texts(0..<10) + [Self.lost(9_990)])
    }

    @Test("reports dropped lines in their place, once half of the queue is free")
    func halfFree() async throws {
        let reader = Reader(.init(lines: 10))
        reader.say(0..<13)
        reader.read(4)
        try await reader.begun.wait(for: "the fifth line") { $0.count == 5 }
        reader.say(13..<14)
        reader.read(1)
        try await reader.begun.wait(for: "the sixth line") { $0.count == 6 }
        reader.say(14..<16)
        reader.read(100)
        reader.sink.close(within: testTimeout)
        #expect(reader.begun.value == Self.texts(0..<10) + [Self.lost(4)] + Self.texts(14..<16))
        #expect(reader.sink.dropped == 4)
    }

    @Test("holds no more bytes than it may")
    func bytes() {
        let reader = Reader(.init(lines: 1_000, bytes: 2_000))
        let long = String(repeating: "x", count: 900)
        for _ in 0..<5 { reader.sink.take(LogRecord(.info, long)) }
        reader.read(100)
        reader.sink.close(within: testTimeout)
        #expect(reader.begun.value == [long, long, Self.lost(3)])
    }

    @Test("loses nothing between threads that all log at once")
    func threads() async {
        let written = Observed<[String: Int]>([:])
        let sink = LogSink(capacity: .init(lines: 100)) { record in
            let count = record.message == LogSink.droppedLines ? record.facts.first.flatMap { Int($0.text) } : 1
            written.change { $0[record.message, default: 0] += count ?? 0 }
        }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<2_000 { sink.take(LogRecord(.info, "said")) } }
            }
        }
        sink.close(within: testTimeout)
        #expect(written.value.values.reduce(0, +) == 16_000)
    }

    @Test("writes all of a text to a pipe that others made non-blocking")
    func nonBlockingPipe() async throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let (read, write) = (ends[0], ends[1])
        defer { close(read) }
        _ = fcntl(write, F_SETFL, O_NONBLOCK)
        let text = String(repeating: "0123456789", count: 50_000)
        DispatchQueue(label: "writer").async {
            StandardError.write(text, to: write)
            close(write)
        }
        var seen: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(read, &buffer, buffer.count)
            guard count > 0 else { break }
            seen += buffer.prefix(count)
        }
        #expect(seen == Array(text.utf8))
    }
}
