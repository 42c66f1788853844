// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Linux
import RstreamTestSupport
import Synchronization
import Testing

@Suite("What the kernel tells")
struct LinuxTests {
    @Test("a directory that is watched says which entries were written, came and went")
    func fileEvents() async throws {
        try await TemporaryFolder.with { folder in
            let watch = try FileWatch()
            defer { close(watch.descriptor) }
            let number = try watch.add(folder.path)
            #expect(try watch.add(folder.path) == number)
            try folder.write("1", to: "a.yaml")
            #expect(rename(folder.path(of: "a.yaml"), folder.path(of: "b.yaml")) == 0)
            var bytes = [UInt8](repeating: 0, count: 4_096)
            let count = read(watch.descriptor, &bytes, bytes.count)
            let events = FileWatch.events(in: Array(bytes.prefix(max(0, count))))
            #expect(events.allSatisfy { $0.watch == number })
            #expect(Set(events.map(\.name)).isSuperset(of: ["a.yaml", "b.yaml"]))
        }
    }

    @Test("other permissions of an entry are told, and that it was read is not")
    func permissionEvents() async throws {
        try await TemporaryFolder.with { folder in
            for name in ["read", "changed"] { try folder.write("1", to: name) }
            let watch = try FileWatch()
            defer { close(watch.descriptor) }
            _ = try watch.add(folder.path)
            #expect(try folder.read("read") == "1")
            #expect(chmod(folder.path(of: "changed"), 0o640) == 0)
            var bytes = [UInt8](repeating: 0, count: 4_096)
            let count = read(watch.descriptor, &bytes, bytes.count)
            #expect(FileWatch.events(in: Array(bytes.prefix(max(0, count)))).map(\.name) == ["changed"])
        }
    }

    @Test("a directory that is not there cannot be watched, and the error says why")
    func missingDirectory() throws {
        let watch = try FileWatch()
        defer { close(watch.descriptor) }
        #expect(throws: SystemError.self) { try watch.add("/nonexistent") }
    }

    @Test("what is no event is left out, wherever it is cut off")
    func truncatedEvents() {
        // A watch of 7, and the name "ab" in 4 bytes.
        let event: [UInt8] = [7, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 97, 98, 0, 0]
        #expect(FileWatch.events(in: event + event).map(\.name) == ["ab", "ab"])
        for length in 0..<event.count { #expect(FileWatch.events(in: Array(event.prefix(length))).isEmpty) }
        var endless = event
        endless.replaceSubrange(12..<16, with: [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(FileWatch.events(in: endless).isEmpty)
    }

    @Test("the variables of this process are what glibc has for each of them")
    func environment() {
        let variables = ProcessEnvironment.variables
        #expect(variables["PATH"] != nil)
        for (name, value) in variables { #expect(getenv(name).map { String(cString: $0) } == value) }
    }

    @Test("open descriptors are counted")
    func openDescriptors() async {
        // In a process of its own, where nobody else opens and closes some.
        await #expect(processExitsWith: .success) {
            let before = try #require(FileDescriptors.open)
            for _ in 0..<50 { try #require(dup(2) >= 0) }
            let more = try #require(FileDescriptors.open) - before
            // The threads' own library looks into a file now and then.
            try #require((45...55).contains(more))
        }
    }

    @Test("addresses and routes are changes, other messages and rests are none")
    func networkMessages() {
        func message(_ type: UInt8, length: UInt8 = 16) -> [UInt8] {
            [length, 0, 0, 0, type, 0] + [UInt8](repeating: 0, count: 10)
        }
        #expect(NetworkWatch.isChange(message(20)))
        #expect(NetworkWatch.isChange(message(24)))
        #expect(NetworkWatch.isChange(message(2) + message(21)))
        #expect(!NetworkWatch.isChange(message(2)))
        #expect(!NetworkWatch.isChange([]))
        #expect(!NetworkWatch.isChange(message(2, length: 0) + message(20)))
        #expect(!NetworkWatch.isChange(Array(message(20).prefix(15))))
    }

    @Test("sleep is what one clock is ahead of the other, told once")
    func sleep() {
        let asleep = Lock(Duration.zero)
        var meter = SuspendMeter { (boottime: .seconds(100) + asleep.withLock { $0 }, monotonic: .seconds(100)) }
        #expect(meter.slept() == nil)
        asleep.withLock { $0 = .seconds(60) }
        #expect(meter.slept() == .seconds(60))
        #expect(meter.slept() == nil)
        asleep.withLock { $0 += .milliseconds(900) }
        #expect(meter.slept() == nil)
    }
}
