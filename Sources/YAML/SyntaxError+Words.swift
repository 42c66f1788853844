// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// libyaml speaks to people who write parsers; these are the same complaints for people who write files. None of its
/// words are passed on.
extension SyntaxError {
    /// Words one of libyaml's complaints, which are constants of its own and never parts of the text.
    init(problem: String, context: String, at mark: Mark, from start: Mark, character: Unicode.Scalar?) {
        switch (problem, context) {
        case ("found character that cannot start any token", _) where character == "\t",
            ("found a tab character that violates indentation", _),
            ("found a tab character where an indentation space is expected", _):
            self.init("a tab is not allowed here", hint: "indent with spaces", at: mark)
        case ("found character that cannot start any token", _):
            let shown = character.map { "\"\($0)\"" } ?? "this character"
            self.init("a value cannot start with \(shown)", hint: "put quotes around the value", at: mark)
        case ("mapping values are not allowed in this context", _):
            self.init(
                "a key is not allowed here",
                hint: "check the indentation, or put quotes around a value that holds \": \"",
                at: mark
            )
        case ("mapping keys are not allowed in this context", _):
            self.init("\"? \" is not allowed here", hint: "put quotes around the value", at: mark)
        case ("could not find expected ':'", _):
            self.init("a key without \":\"", hint: "write \"key: value\"", at: start)
        case ("did not find expected key", _):
            self.init("a key was expected here", hint: "check the indentation and the quotes above", at: mark)
        case ("did not find expected '-' indicator", _):
            self.init("\"- \" was expected here", hint: "check the indentation", at: mark)
        case ("block sequence entries are not allowed in this context", _):
            self.init("a list is not allowed here", hint: "start the list on a line of its own", at: mark)
        case ("found unexpected end of stream", "while scanning a quoted scalar"),
            ("found unexpected document indicator", _):
            self.init("the quotes that start here are not closed", at: start)
        case ("did not find expected ',' or ']'", _):
            self.init("\",\" or \"]\" was expected here", at: mark)
        case ("did not find expected ',' or '}'", _):
            self.init("\",\" or \"}\" was expected here", at: mark)
        case ("did not find expected node content", _):
            self.init("a value was expected here", hint: "close the brackets, or put quotes around the value", at: mark)
        case ("found unexpected ':'", _):
            self.init("\":\" is not allowed here", hint: "put quotes around the value", at: mark)
        case ("did not find expected <document start>", _):
            self.init(
                "this does not continue what is above",
                hint: "check the indentation, and the quotes and brackets above",
                at: mark
            )
        case ("found unknown escape character", _):
            self.init(
                "an unknown escape in double quotes",
                hint: "write \"\\\\\" for a backslash, or use single quotes",
                at: mark
            )
        case ("did not find expected hexdecimal number", _), ("found invalid Unicode character escape code", _):
            self.init(
                "an invalid escape in double quotes",
                hint: "write \\xNN, \\uNNNN or \\UNNNNNNNN, or use single quotes",
                at: mark
            )
        case ("did not find expected comment or line break", "while scanning a block scalar"):
            self.init("only a comment may stand here", hint: "begin the text on the next line", at: mark)
        case ("found an indentation indicator equal to 0", _):
            self.init("a text cannot be indented by 0", hint: "remove the number", at: mark)
        case (_, "while scanning an anchor"):
            self.init("a name was expected after \"&\"", hint: "put quotes around the value", at: mark)
        case (_, "while scanning an alias"):
            self.init("a name was expected after \"*\"", hint: "put quotes around the value", at: mark)
        case (_, "while scanning a tag"), (_, "while parsing a tag"), ("found undefined tag handle", _):
            self.init("an invalid tag", hint: "put quotes around a value that starts with \"!\"", at: mark)
        case (_, "while scanning a directive"), (_, "while scanning a %YAML directive"),
            (_, "while scanning a %TAG directive"), (_, "while parsing a %TAG directive"),
            ("found duplicate %TAG directive", _), ("found duplicate %YAML directive", _),
            ("found incompatible YAML document", _):
            self.init("an invalid directive: a line that starts with \"%\"", hint: "remove the line", at: mark)
        default: self = .unreadable(at: mark)
        }
    }

    /// What has no words of its own.
    static func unreadable(at mark: Mark) -> Self {
        Self(
            "this cannot be read as YAML",
            hint: "check the indentation, the quotes and the brackets, here and above",
            at: mark
        )
    }

    /// What libyaml's reader stops at, byte by byte. Texts are UTF-8 here, so that is a character that YAML leaves out.
    static func unreadable(character: Unicode.Scalar?, at mark: Mark) -> Self {
        let digits = character.map { String($0.value, radix: 16, uppercase: true) } ?? ""
        let zeros = String(repeating: "0", count: max(0, 4 - digits.utf8.count))
        let name = character == nil ? "this character" : "the character U+\(zeros)\(digits)"
        return Self("\(name) is not allowed", hint: "remove it", at: mark)
    }
}
