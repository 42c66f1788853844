/// libyaml speaks to people who write parsers; these are the same complaints for people who write files.
extension SyntaxError {
    /// Words one of libyaml's complaints, which are constants of its own and never parts of the text.
    init(problem: String, context: String, at mark: Mark, from start: Mark, character: Unicode.Scalar?) {
        switch problem {
        case "found character that cannot start any token" where character == "\t",
            "found a tab character that violates indentation",
            "found a tab character where an indentation space is expected":
            self.init("a tab is not allowed here", hint: "indent with spaces", at: mark)
        case "found character that cannot start any token":
            let shown = character.map { "\"\($0)\"" } ?? "this character"
            self.init("a value cannot start with \(shown)", hint: "put quotes around the value", at: mark)
        case "mapping values are not allowed in this context":
            self.init(
                "a key is not allowed here",
                hint: "check the indentation, or put quotes around a value that holds \": \"",
                at: mark
            )
        case "could not find expected ':'":
            self.init("a key without \":\"", hint: "write \"key: value\"", at: start)
        case "did not find expected key":
            self.init("a key was expected here", hint: "check the indentation and the quotes above", at: mark)
        case "did not find expected '-' indicator":
            self.init("\"- \" was expected here", hint: "check the indentation", at: mark)
        case "block sequence entries are not allowed in this context":
            self.init("a list is not allowed here", hint: "start the list on a line of its own", at: mark)
        case "found unexpected end of stream" where context == "while scanning a quoted scalar":
            self.init("the quotes that start here are not closed", at: start)
        case "found unexpected document indicator":
            self.init("the quotes that start here are not closed", at: start)
        case "did not find expected ',' or ']'":
            self.init("\",\" or \"]\" was expected here", at: mark)
        case "did not find expected ',' or '}'":
            self.init("\",\" or \"}\" was expected here", at: mark)
        case "found unknown escape character":
            self.init(
                "an unknown escape in double quotes",
                hint: "write \"\\\\\" for a backslash, or use single quotes",
                at: mark
            )
        default:
            self.init(problem, at: mark)
        }
    }
}
