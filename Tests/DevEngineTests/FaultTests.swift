// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import Testing

@testable import DevEngine

@Suite("Faults on the command line")
struct FaultTests {
    @Test(
        "are a name, a value where the name takes one, and a count",
        arguments: [
            ("silence", Fault(.silence)),
            ("silence*3", Fault(.silence, count: 3)),
            ("ack-delay=250", Fault(.ackDelay, value: .number(250))),
            ("payload-reset=0*1", Fault(.payloadReset, value: .number(0), count: 1)),
            (
                "open-error=6000:busy",
                Fault(.openError, value: .error(EngineError(code: .serviceUnavailable, message: "busy")))
            ),
            (
                "tunnel-error=8000:a=b: c*d*2",
                Fault(.tunnelError, value: .error(EngineError(code: .resourceConflict, message: "a=b: c*d")), count: 2)
            ),
        ]
    )
    func wellFormed(text: String, fault: Fault) throws {
        #expect(try Fault(text) == fault)
    }

    @Test("need no text behind an error's code")
    func codeOnly() throws {
        let error = EngineError(code: .internalError, message: "injected by stream-error")
        #expect(try Fault("stream-error=9000") == Fault(.streamError, value: .error(error)))
    }

    @Test(
        "are refused when the form is wrong",
        arguments: [
            "", "nonsense", "silence=1", "ack-delay", "ack-delay=", "ack-delay=soon", "ack-delay=-1", "ack-skip=0",
            "open-error=busy", "open-error=99999999999", "silence*0", "ack-delay=4294967296",
        ]
    )
    func malformed(text: String) {
        #expect(throws: Fault.Malformed.self) { try Fault(text) }
    }

    @Test("list all names when one is unknown")
    func unknown() {
        let error = #expect(throws: Fault.Malformed.self) { try Fault("nonsense") }
        for name in FaultName.allCases { #expect(error?.description.contains(name.rawValue) == true) }
    }

    @Test("happen as often as they were asked for")
    func counted() {
        var plan = FaultPlan([Fault(.silence, count: 2), Fault(.ackZero)])
        let counted = (0..<4).map { _ in plan.take(.silence) }
        #expect(counted == [true, true, false, false])
        let always = (0..<4).map { _ in plan.take(.ackZero) }
        #expect(always == [true, true, true, true])
        let never = plan.take(.ackFuture)
        #expect(!never)
    }
}
