// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Logging
import RstreamTestSupport
import Testing

@Suite("The dev engine's log on a terminal")
struct PrintableLogTests {
    private struct Told: Error, CustomStringConvertible {
        let description: String
    }

    /// What a handler behind it is asked to write, as one text.
    private func written(_ log: (inout Logger) -> Void) -> String {
        let lines = LogCapture()
        var logger = Logger(label: "test") { _ in PrintableLogHandler(lines.logger.handler) }
        logger.logLevel = .trace
        log(&logger)
        // Not its description, which would escape by itself.
        return lines.lines.value.map { line in
            line.message + line.metadata.map { " \($0.key)=\($0.value)" }.joined()
        }.joined(separator: "\n")
    }

    @Test(
        "shows as an escape what would move it, wherever it stands in a line",
        arguments: [
            ("\u{1B}[2J", "\\u{1B}[2J"), ("\r\nforged", "\\u{D}\\u{A}forged"), ("\u{9B}31m", "\\u{9B}31m"),
            ("\u{202E}txt", "\\u{202E}txt"), ("a\u{200B}b", "a\\u{200B}b"), ("\u{2028}", "\\u{2028}"),
        ]
    )
    func escapes(text: String, shown: String) {
        let lines = [
            written { $0.info("\(text)") },
            written { $0.info("x", metadata: ["path": "\(text)"]) },
            written { $0.info("x", metadata: ["path": .stringConvertible(Told(description: text))]) },
            written { $0.info("x", metadata: ["paths": ["y", "\(text)"], "more": ["key": ["\(text)"]]]) },
            written { $0.info("x", metadata: ["\(text)": "y"]) },
            written {
                $0[metadataKey: "agent"] = "\(text)"
                $0.info("x")
            },
            written { $0.warning("x", error: Told(description: text)) },
        ]
        for line in lines {
            // Swift's own escapes double the backslash inside of a list.
            #expect(line.replacing("\\\\", with: "\\").contains(shown), "\(line.debugDescription)")
            #expect(!line.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x9B || $0.value == 0x202E })
        }
    }

    @Test("leaves letters of every language as they are")
    func letters() {
        #expect(written { $0.info("Grüße, 世界", metadata: ["x": "naïve"]) } == "Grüße, 世界 x=naïve")
    }
}
