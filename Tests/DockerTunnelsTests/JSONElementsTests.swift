// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Testing

@testable import DockerTunnels

@Suite("the elements of a list in JSON")
struct JSONElementsTests {
    /// The elements of a whole list that comes in pieces of `size` bytes; nil for what is none.
    private static func elements(_ text: String, inPiecesOf size: Int, longest: Int = 1_000) -> [String]? {
        var (elements, found) = (JSONElements(longest: longest), [String]())
        for start in stride(from: 0, to: text.utf8.count, by: size) {
            guard let items = elements.read(Array(text.utf8.dropFirst(start).prefix(size))) else { return nil }
            for item in items {
                switch item {
                case .element(let json): found.append(String(decoding: json, as: UTF8.self))
                case .tooLong: found.append("too long")
                }
            }
        }
        return elements.isComplete ? found : nil
    }

    @Test(
        "are found whatever is in them",
        arguments: [
            ("[]", []), (" [ ]\n", []), ("[1]", ["1"]), ("[1, {}]", ["1", "{}"]),
            ("[\n 1 2 , 3]", ["1 2 ", "3"]),
            (#"[{"a":[1,2],"b":"],["},2]"#, [#"{"a":[1,2],"b":"],["}"#, "2"]),
            (#"["\"],",3]"#, [#""\"],""#, "3"]), (#"["\\",4]"#, [#""\\""#, "4"]), (#"["é"]"#, [#""é""#]),
        ] as [(String, [String])]
    )
    func lists(text: String, elements: [String]) {
        for size in 1...text.utf8.count { #expect(Self.elements(text, inPiecesOf: size) == elements) }
    }

    @Test("are passed over where they are too long, and space in front of them does not count")
    func tooLong() {
        let text = #"[1234, 12345 ,"","]123456", {"a":[",",1]},   1]"#
        let elements = ["1234", "too long", #""""#, "too long", "too long", "1"]
        for size in 1...text.utf8.count {
            #expect(Self.elements(text, inPiecesOf: size, longest: 4) == elements)
        }
        #expect(Self.elements("[12345]", inPiecesOf: 3, longest: 4) == ["too long"])
    }

    @Test(
        "are none where there is no list",
        arguments: [
            "", " ", "{}", "1", "[", "[1", "[1,", "[,]", "[1,]", "[,1]", "[1}", "[1]]", "[1] 2", #"["]"#, #"["\"#,
            "[{]",
        ]
    )
    func others(text: String) {
        for size in [1, 2, 100] { #expect(Self.elements(text, inPiecesOf: size) == nil) }
    }
}
