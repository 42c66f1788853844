// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import Testing

@Suite("an error is one line for a person and fields for machines")
struct RstreamErrorTests {
    @Test("it prints what happened, and what to do in parentheses")
    func description() {
        var error = RstreamError(code: .engine, origin: .engine, retry: .afterReload, what: "it broke")
        #expect(error.description == "it broke")
        error = RstreamError(code: .engine, origin: .engine, retry: .afterReload, what: "it broke", fix: "mend it")
        #expect(error.description == "it broke (mend it)")
        #expect("\(error)" == "it broke (mend it)")
    }

    @Test(
        "codes are the official SDKs' names",
        arguments: [
            (RstreamError.Code.engine, "ERR_RSTREAM_ENGINE"),
            (.frameTooLarge, "ERR_RSTREAM_FRAME_TOO_LARGE"),
            (.controlLiveness, "ERR_RSTREAM_CONTROL_LIVENESS"),
            (.overload, "ERR_RSTREAM_CONTROL_OVERLOAD"),
        ]
    )
    func codes(code: RstreamError.Code, text: String) {
        #expect(code.rawValue == text)
        #expect(code.description == text)
        #expect(RstreamError.Code(rawValue: text) == code)
    }

    @Test("an engine's error prints in the official form, with and without words")
    func engineError() {
        #expect(EngineError(code: .unauthorized, message: "no").description == "engine error 1000: no")
        #expect(EngineError(code: .unauthorized).description == "engine error 1000")
        #expect(EngineError(code: EngineErrorCode(rawValue: 4711), message: "x").description == "engine error 4711: x")
    }

    @Test(
        "a code prints its number, and its name when it has one",
        arguments: [
            (0, "0 unspecified"), (1000, "1000 unauthorized"), (2000, "2000 invalid request"),
            (2010, "2010 protocol version missing"), (2020, "2020 protocol version invalid"),
            (2030, "2030 protocol version incompatible"), (3000, "3000 tunnel not found"),
            (4000, "4000 invalid stream"), (5000, "5000 feature not available"), (6000, "6000 service unavailable"),
            (7000, "7000 capacity exhausted"), (8000, "8000 resource conflict"), (9000, "9000 internal error"),
            (4711, "4711"), (-1, "-1"),
        ]
    )
    func engineCode(number: Int, text: String) {
        #expect(EngineErrorCode(rawValue: number).description == text)
    }
}
