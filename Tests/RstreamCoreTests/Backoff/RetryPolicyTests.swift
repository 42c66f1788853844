// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import Testing

@Suite("which refusals pass by themselves")
struct RetryPolicyTests {
    private static let legacyConflicts = [
        "Hostname is already in use.", "TCP port is already in use.", "Registered WebTTY server is already online.",
    ]

    @Test("these pass", arguments: [6000, 7000, 8000, 9000])
    func passing(number: Int) {
        #expect(RetryPolicy.retry(after: EngineError(code: EngineErrorCode(rawValue: number))) == .afterBackoff)
    }

    @Test(
        "these need a change, as does any number that is not known",
        arguments: [0, 1000, 2000, 2010, 2020, 2030, 3000, 4000, 5000, 1, 4711, 6001, 10_000, -1, .max]
    )
    func lasting(number: Int) {
        #expect(RetryPolicy.retry(after: EngineError(code: EngineErrorCode(rawValue: number))) == .afterReload)
    }

    @Test("older engines report a conflict as 2000 with one of three texts", arguments: legacyConflicts)
    func legacy(text: String) {
        #expect(RetryPolicy.retry(after: EngineError(code: .invalidRequest, message: text)) == .afterBackoff)
    }

    @Test("only exactly these texts, and only with 2000", arguments: legacyConflicts)
    func nearly(text: String) {
        for other in [text.lowercased(), String(text.dropLast()), text + " ", " " + text, text + text] {
            #expect(RetryPolicy.retry(after: EngineError(code: .invalidRequest, message: other)) == .afterReload)
        }
        for code in [EngineErrorCode.unauthorized, .featureNotAvailable, .unspecified, .protocolVersionInvalid] {
            #expect(RetryPolicy.retry(after: EngineError(code: code, message: text)) == .afterReload)
        }
    }

    @Test("a refusal is told with what was refused, the engine's words, number and remedy")
    func error() {
        let error = RetryPolicy.error(EngineError(code: .unauthorized, message: "no"), refusing: "the tunnel")
        #expect(error.code == .engine)
        #expect(error.origin == .engine)
        #expect(error.retry == .afterReload)
        #expect(error.what == "the engine refused the tunnel: engine error 1000: no")
        #expect(error.fix?.contains("credential") == true)
        #expect(error.engineCode == .unauthorized)
    }

    @Test("a number that is not known is shown, without a remedy")
    func unknown() {
        let error = RetryPolicy.error(EngineError(code: EngineErrorCode(rawValue: 4711)), refusing: "the tunnel")
        #expect(error.what.contains("4711"))
        #expect(error.fix == nil)
        #expect(error.engineCode?.rawValue == 4711)
    }

    @Test("a feature that an engine lacks is reported with the engine's text, without advice to buy it")
    func unavailable() {
        let refusal = EngineError(code: .featureNotAvailable, message: "The development engine has no geoip.")
        let error = RetryPolicy.error(refusal, refusing: "the tunnel")
        #expect(error.what.contains("The development engine has no geoip."))
        #expect(error.fix == "leave the property out, or use an engine that has it")
    }
}
