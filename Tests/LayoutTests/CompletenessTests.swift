// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Testing

/// A gate that passes with half of its tests left out is none. Every test that needs what a machine may not have asks
/// whether it must be run all the same.
@Suite("Tests that may be left out")
struct CompletenessTests {
    /// All of these are true where everything must be tested. A journal of the host is nothing that is missing, and
    /// neither is what an engine under test does not offer, or Debian 12.
    private static let conditions = [
        "Binaries.mustBeComplete ||", "SystemdGuest.isPossible", "DebianPackages.arePossible",
        "NetworkCable.isPossible()", "TestServer.hasIPv6()", "thereIsAJournal", "EngineUnderTest.",
        "Token.isPossible", "ContainerSite.isPossible",
    ]

    /// The conditions under which tests of a file run that name none of those.
    private static func unknown(in text: String) -> [String] {
        let enabled = uses(of: ".enab" + "led(", in: text).filter { use in !conditions.contains { use.contains($0) } }
        return enabled + uses(of: ".disab" + "led(", in: text)
    }

    private static func uses(of word: String, in text: String) -> [String] {
        text.split(separator: word, omittingEmptySubsequences: false).dropFirst().map { String($0.prefix(160)) }
    }

    @Test("are run where everything must be tested")
    func conditions() throws {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
        let files = try FileManager.default.subpathsOfDirectory(atPath: tests).filter { $0.hasSuffix(".swift") }
        var conditional = 0
        for file in files {
            let text = try String(contentsOfFile: "\(tests)/\(file)", encoding: .utf8)
            conditional += text.contains(".enab" + "led(") ? 1 : 0
            for condition in Self.unknown(in: text) { Issue.record("\(file): \(condition)") }
        }
        #expect(conditional > 5)
    }

    @Test("are found by any other condition")
    func found() {
        let (on, off) = (".enab" + "led(", ".disab" + "led(")
        #expect(Self.unknown(in: "@Test(\(on)if: getuid() == 0))").count == 1)
        #expect(Self.unknown(in: "@Test(\(off)\"flaky\"))").count == 1)
        #expect(Self.unknown(in: "@Test(\(on)if: Binaries.mustBeComplete || getuid() == 0))").isEmpty)
    }
}
