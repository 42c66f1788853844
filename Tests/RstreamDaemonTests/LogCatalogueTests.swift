// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The catalogue of log messages")
struct LogCatalogueTests {
    @Test("has a unique id and an explanation for every message")
    func entries() {
        let entries = LogCatalogue.entries
        #expect(Set(entries.map(\.message)).count == entries.count)
        #expect(Set(entries.map(\.id)).count == entries.count)
        for entry in entries {
            #expect(entry.id.wholeMatch(of: /[0-9a-f]{32}/) != nil, "\(entry)")
            #expect(entry.meaning.first?.isUppercase == true, "\(entry)")
            #expect(entry.meaning.last == ".", "\(entry)")
        }
        #expect(LogCatalogue.id(of: "started") == "cf1a23edfbdce847577b3e11aa9e9766", "an id never changes")
        #expect(LogCatalogue.id(of: "never heard of") == nil)
    }

    @Test("holds every message that the sources log, which all are constant, and no other")
    func sources() throws {
        var said: Set<String> = []
        for file in try Self.sources() {
            let text = try String(contentsOfFile: file, encoding: .utf8)
            for call in text.matches(
                of: #/\.(?:trace|debug|info|notice|warning|error|critical)\(\s*"((?:[^"\\]|\\.)*)"/#
            ) {
                said.insert(String(call.output.1))
            }
            for call in text.matches(of: #/\blog(?:ger\.log)?\(level: \w+, "((?:[^"\\]|\\.)*)"/#) {
                said.insert(String(call.output.1))
            }
            for outage in text.matches(of: #/lost: "([^"]*)",\s+found: "([^"]*)"/#) {
                said.formUnion([String(outage.output.1), String(outage.output.2)])
            }
            let isOutageLog = file.hasSuffix("/OutageLog.swift")
            for call in text.matches(
                of: #/[lL]ogger\.(?:trace|debug|info|notice|warning|error|critical)\(\s*([^"\s][^,)]*)/#
            )
            where !isOutageLog {
                Issue.record("\(file) logs a message that is no literal: \(call.output.1)")
            }
        }
        said.insert(LogSink.droppedLines)
        #expect(said.count > 40, "the messages are not found any more")
        for message in said {
            #expect(!message.contains("\\("), "facts belong into fields: \(message)")
            #expect(LogCatalogue.id(of: message) != nil, "no MESSAGE_ID: \(message)")
        }
        #expect(LogCatalogue.entries.map(\.message).filter { !said.contains($0) } == [], "nobody says these")
    }

    /// The modules whose lines the daemon writes, without the library's parts that it does not use.
    private static func sources() throws -> [String] {
        let unused = ["/Rstream/Serving/", "/Rstream/Session/"]
        return try ["Rstream", "RstreamRelay", "RstreamDaemon", "rstreamd"].flatMap { module in
            let folder = "\(Binaries.packageRoot)/Sources/\(module)"
            return try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".swift") }
                .map { "\(folder)/\($0)" }
        }.filter { file in !unused.contains { file.contains($0) } }
    }
}
