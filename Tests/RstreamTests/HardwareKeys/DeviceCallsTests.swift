// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import NIOCore
import NIOPosix
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("Calls to a device", .timeLimit(.hang))
struct DeviceCallsTests {
    private let eventLoop = MultiThreadedEventLoopGroup.singleton.any()

    /// A call that hangs until the gate opens, and has begun when this returns.
    private func hang(_ calls: DeviceCalls, until gate: Gate) async throws -> EventLoopFuture<Int> {
        let begun = Observed(false)
        let future = calls.make(within: .seconds(600), on: eventLoop) { () throws(HardwareKeyError) in
            begun.change { $0 = true }
            _ = gate.wait(within: .seconds(600))
            return 1
        }
        try await begun.wait(for: "the call to begin") { $0 }
        return future
    }

    @Test("give their results and their errors, to event loops and to threads that wait")
    func results() async throws {
        let calls = DeviceCalls()
        let made = try await calls.make(within: .seconds(600), on: eventLoop) { () throws(HardwareKeyError) in 7 }.get()
        #expect(made == 7)
        await #expect(throws: HardwareKeyError.pinWrong) {
            try await calls.make(within: .seconds(600), on: eventLoop) { () throws(HardwareKeyError) -> Int in
                throw .pinWrong
            }.get()
        }
        let waited = try await BlockingThreads.devices.tryRun { () throws(HardwareKeyError) in
            try calls.wait(within: .seconds(600)) { () throws(HardwareKeyError) in 8 }
        }
        #expect(waited == 8)
        await #expect(throws: HardwareKeyError.deviceAway) {
            try await BlockingThreads.devices.tryRun { () throws(HardwareKeyError) in
                try calls.wait(within: .seconds(600)) { () throws(HardwareKeyError) -> Int in throw .deviceAway }
            }
        }
    }

    @Test("are given up after their time while the device hangs, and one whose turn was to come is not made")
    func timeouts() async throws {
        let (calls, gate) = (DeviceCalls(), Gate())
        let hanging = try await hang(calls, until: gate)
        let made = Observed(0)
        await #expect(throws: HardwareKeyError.timeout) {
            try await calls.make(within: .milliseconds(1), on: eventLoop) { () throws(HardwareKeyError) in
                made.change { $0 += 1 }
            }.get()
        }
        await #expect(throws: HardwareKeyError.timeout) {
            try await BlockingThreads.devices.tryRun { () throws(HardwareKeyError) in
                try calls.wait(within: .milliseconds(1)) { () throws(HardwareKeyError) in made.change { $0 += 1 } }
            }
        }
        gate.open()
        #expect(try await hanging.get() == 1)
        // Behind those two.
        _ = try await calls.make(within: .seconds(600), on: eventLoop) { () throws(HardwareKeyError) in 1 }.get()
        #expect(made.value == 0)
    }

    @Test("are refused when too many wait already, and taken again afterwards")
    func bound() async throws {
        let (calls, gate) = (DeviceCalls(most: 2), Gate())
        let hanging = try await hang(calls, until: gate)
        let second = calls.make(within: .seconds(600), on: eventLoop) { () throws(HardwareKeyError) in 2 }
        await #expect(throws: HardwareKeyError.busy) {
            try await calls.make(within: .seconds(600), on: eventLoop) { () throws(HardwareKeyError) in 3 }.get()
        }
        await #expect(throws: HardwareKeyError.busy) {
            try await BlockingThreads.devices.tryRun { () throws(HardwareKeyError) in
                try calls.wait(within: .seconds(600)) { () throws(HardwareKeyError) in 3 }
            }
        }
        gate.open()
        #expect(try await hanging.get() == 1)
        #expect(try await second.get() == 2)
        let finished = Observed(false)
        calls.finish { finished.change { $0 = true } }
        // What has ended makes room a moment later than it says so.
        try await finished.wait(for: "the thread to have made all calls") { $0 }
        #expect(
            try await calls.make(within: .seconds(600), on: eventLoop) { () throws(HardwareKeyError) in 4 }.get() == 4
        )
    }
}

@Suite("An error about a key in a device")
struct HardwareKeyErrorTests {
    private static let all: [HardwareKeyError] = [
        .noLibrary, .noProvider, .providerFailed, .keyNotFound, .notInDevice, .pinMissing, .pinWrong, .pinLocked,
        .deviceAway, .unsupported, .wrongKey, .timeout, .busy, .failed,
    ]

    @Test("names the key and says what to do", arguments: all, ["pkcs11:token=a;object=b", "handle:0x81000001"])
    func words(error: HardwareKeyError, uri: String) throws {
        let shown = error.error(of: try HardwareKey(uri: uri, pinFile: "/etc/pin"), for: "certificate file \"c\"")
        #expect(shown.what.hasPrefix("key \"\(uri)\": "))
        #expect(shown.fix?.isEmpty == false)
        #expect(shown.code == .invalidConfig)
    }

    @Test("lets nothing be tried again that a device counts")
    func retries() throws {
        let key = try HardwareKey(uri: "handle:0x81000001")
        let again = Self.all.filter { $0.error(of: key, for: "c").retry == .afterBackoff }
        #expect(
            again == [.noLibrary, .noProvider, .providerFailed, .keyNotFound, .deviceAway, .timeout, .busy, .failed]
        )
    }
}
