// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import RstreamTestSupport
import Testing

@testable import rstreamctl

extension Program {
    /// The manual page says what the parser takes, no less and no more.
    @Suite("rstreamctl(1)") struct ManualTests {
        /// What the parser says about itself, as far as it is compared.
        private struct Dump: Decodable {
            struct Command: Decodable {
                var commandName: String
                var subcommands: [Command]?
                var arguments: [Argument]?
            }

            struct Argument: Decodable {
                struct Name: Decodable {
                    var kind: String
                    var name: String
                }

                var kind: String
                var names: [Name]?
                var valueName: String?
                var allValues: [String]?
            }

            var command: Command
        }

        private static let page = "\(Binaries.packageRoot)/man/rstreamctl.1"
        private static let everywhere: Set = ["-socket", "o", "-output", "h", "-help", "-version"]

        private static var lines: [String] {
            get throws {
                try String(contentsOfFile: page, encoding: .utf8).split(separator: "\n").map(String.init)
            }
        }

        private static func dump() async throws -> Dump.Command {
            let result = try await run(["--experimental-dump-help"])
            let json = result.output.joined(separator: "\n")
            return try JSONDecoder().decode(Dump.self, from: Data(json.utf8)).command
        }

        private static func flags(_ arguments: [Dump.Argument]) -> Set<String> {
            let names = arguments.flatMap { $0.names ?? [] }
            return Set(names.map { $0.kind == "long" ? "-\($0.name)" : $0.name })
        }

        /// The words behind `Fl` in a line of the page.
        private static func flags(in line: String) -> [String] {
            let words = line.split(separator: " ").map(String.init)
            guard words.first == ".It" || words.first == ".Op" else { return [] }
            var (flags, isAfter) = ([String](), false)
            for word in words {
                if word == "Fl" {
                    isAfter = true
                } else if isAfter {
                    flags.append(word)
                    isAfter = false
                }
            }
            // `.It Fl h , -help`
            return flags + words.filter { word in word.hasPrefix("-") && !flags.contains(word) }
        }

        private struct Entry {
            /// The line with the command and everything that may follow it.
            var head: String
            /// The options that are explained below it.
            var explained: Set<String> = []
        }

        /// What the page says of each command.
        private static func documented() throws -> [String: Entry] {
            var (entries, current) = ([String: Entry](), "")
            for line in try lines.drop(while: { $0 != ".Sh COMMANDS" }).prefix(while: { $0 != ".Sh ENVIRONMENT" }) {
                let words = line.split(separator: " ")
                if line.hasPrefix(".It Cm "), words.count > 2 {
                    current = String(words[2])
                    entries[current] = Entry(head: line)
                } else if line.hasPrefix(".It Fl ") {
                    entries[current]?.explained.formUnion(flags(in: line))
                }
            }
            return entries
        }

        @Test("every command and option is in the page, and nothing else is")
        func complete() async throws {
            let root = try await Self.dump()
            let documented = try Self.documented()
            let parsed = (root.subcommands ?? []).filter { $0.commandName != "help" }
            #expect(parsed.count >= 16)
            #expect(Set(documented.keys) == Set(parsed.map(\.commandName)).union(["help"]))
            for command in parsed {
                let (name, arguments) = (command.commandName, command.arguments ?? [])
                let entry = try #require(documented[name])
                let options = Self.flags(arguments).subtracting(Self.everywhere)
                #expect(entry.explained == options, "what is explained of \(name)")
                #expect(Set(Self.flags(in: entry.head)) == options, "what is named of \(name)")
                for argument in arguments where argument.kind == "positional" {
                    let isNamed = argument.valueName.map { entry.head.contains("Ar \($0)") } ?? false
                    let isSpelled = argument.allValues.map { $0.allSatisfy(entry.head.contains) } ?? false
                    #expect(isNamed || isSpelled, "\(argument.valueName ?? "") of \(name)")
                }
            }
        }

        @Test("the options that every command takes are in the page")
        func global() async throws {
            let root = try await Self.dump()
            let general = try Self.lines.drop { $0 != ".Sh DESCRIPTION" }.prefix { $0 != ".Sh COMMANDS" }
            #expect(Set(general.flatMap(Self.flags)) == Self.everywhere)
            #expect(Self.flags(root.arguments ?? []).union(["h", "-help", "-version"]) == Self.everywhere)
            for command in root.subcommands ?? [] where command.commandName != "help" {
                #expect(Self.flags(command.arguments ?? []).isSuperset(of: ["-socket", "-output"]))
            }
        }

        @Test("every exit status is in the page")
        func statuses() throws {
            let text = try Self.lines.drop { $0 != ".Sh EXIT STATUS" }.prefix { $0 != ".Sh EXAMPLES" }
            let documented = text.compactMap { $0.hasPrefix(".It ") ? Int32($0.dropFirst(4)) : nil }
            #expect(documented == ExitStatus.allCases.map(\.rawValue))
        }

        private static let pages = [
            "rstream-dev-engine.1", "rstreamctl.1", "rstreamd-docker.8", "rstreamd.8", "rstreamd.yaml.5",
        ]

        @Test("mandoc has nothing to say about any page", arguments: pages)
        func lint(page: String) async throws {
            let path = "\(Binaries.packageRoot)/man/\(page)"
            let result = try await ProcessHandle.run("/usr/bin/mandoc", ["-Tlint", path])
            // Whether the pages that it refers to are installed is no fault of the page, and the pages of a product are headed
            // with its name, not with a system's.
            let expected = ["referenced manual not found", "operating system explicitly specified"]
            let lines = (result.output + result.errors).filter { line in !expected.contains { line.contains($0) } }
            #expect(lines == [])
        }
    }
}
