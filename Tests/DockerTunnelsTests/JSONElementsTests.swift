// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Testing

@testable import DockerTunnels

@Suite("the elements of a list in JSON")
struct JSONElementsTests {
    private static func elements(_ text: String) -> [String]? {
        let json = Array(text.utf8)
        return JSONElements.places(in: json)?.map { String(decoding: json[$0], as: UTF8.self) }
    }

    @Test(
        "are found whatever is in them",
        arguments: [
            ("[]", []), (" [ ]\n", []), ("[1]", ["1"]), ("[1, {}]", ["1", " {}"]),
            (#"[{"a":[1,2],"b":"],["},2]"#, [#"{"a":[1,2],"b":"],["}"#, "2"]),
            (#"["\"],",3]"#, [#""\"],""#, "3"]), (#"["\\",4]"#, [#""\\""#, "4"]), (#"["é"]"#, [#""é""#]),
        ] as [(String, [String])]
    )
    func lists(text: String, elements: [String]) {
        #expect(Self.elements(text) == elements)
    }

    @Test(
        "are none where there is no list",
        arguments: [
            "", " ", "{}", "1", "[", "[1", "[1,", "[,]", "[1,]", "[,1]", "[1}", "[1]]", "[1] 2", #"["]"#, #"["\"#,
            "[{]",
        ]
    )
    func others(text: String) {
        #expect(Self.elements(text) == nil)
    }
}
