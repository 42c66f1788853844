// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import Testing

@testable import rstreamctl

@Suite("The doctor's lines")
struct DoctorViewTests {
    @Test("say what was checked, what was found, and under it what to do")
    func lines() {
        let view = DoctorView(Finding("tls", .fail, of: "main", "the certificate ended", fix: "get a new one"))
        #expect(
            view.lines.map(\.plain) == [
                "tls         fail  main: the certificate ended", "                  fix: get a new one",
            ]
        )
        #expect(view.lines[0].pieces.contains(Piece("fail", .bad)))
        #expect(DoctorView(Finding("credentials", .ok, "a token")).lines.map(\.plain) == ["credentials ok    a token"])
    }

    @Test(
        "end with a count of what is wrong",
        arguments: [
            ([Finding.Verdict.ok, .skip], "all well"), ([.ok, .warn], "1 to look at"),
            ([.fail, .warn, .fail], "2 failed, 1 to look at"),
        ]
    )
    func summary(verdicts: [Finding.Verdict], expected: String) {
        #expect(DoctorView.summary(verdicts.map { Finding("dns", $0, "x") }).plain == expected)
    }
}
