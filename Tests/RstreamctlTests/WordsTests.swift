// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Testing

@testable import rstreamctl

@Suite("The words of a command line")
struct WordsTests {
    @Test(
        "the format may stand together with its option",
        arguments: [
            (["-ojson", "status"], ["-o", "json", "status"]), (["status", "-otable"], ["status", "-o", "table"]),
            (["-o=json"], ["-o", "json"]), (["-o", "json"], ["-o", "json"]), (["--output=json"], ["--output=json"]),
            (["kill", "--", "-ojson"], ["kill", "--", "-ojson"]), ([], []),
        ] as [([String], [String])]
    )
    func format(written: [String], read: [String]) {
        #expect(Words(written).arguments == read)
    }

    @Test(
        "the command is the first word that is neither an option nor the value of one",
        arguments: [
            (["status"], "status"), (["--socket", "/s", "statsu"], "statsu"), (["--socket=/s", "-ojson", "x"], "x"),
            (["--output", "json", "x", "y"], "x"), (["--help"], nil), (["--version", "x"], nil), ([], nil),
            (["--socket"], nil), (["--generate-completion-script", "bash"], nil),
        ] as [([String], String?)]
    )
    func command(written: [String], command: String?) {
        #expect(Words(written).command == command)
    }

    @Test("a command that there is not comes with the nearest one, or with where they are listed")
    func unknown() {
        let commands = ["status", "streams", "tunnels"]
        #expect(Words.unknown("statsu", among: commands) == #"unknown command "statsu", did you mean "status"?"#)
        #expect(Words.unknown("xyz", among: commands).hasSuffix("rstreamctl help lists them"))
    }
}
