// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Testing

/// The thread sanitizer does not see `Synchronization.Mutex` on Linux (Sources/Linux/Lock.swift).
@Suite("Locks")
struct LockTests {
    @Test("are of the type that the thread sanitizer sees", arguments: ["Sources", "Tests"])
    func oneType(folder: String) throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: folder).path
        for file in try FileManager.default.subpathsOfDirectory(atPath: path).sorted() {
            guard file.hasSuffix(".swift"), file != "Linux/Lock.swift", file != "LayoutTests/LockTests.swift" else {
                continue
            }
            let lines = try String(contentsOfFile: "\(path)/\(file)", encoding: .utf8)
                .split(separator: "\n", omittingEmptySubsequences: false)
            for (index, line) in lines.enumerated() where line.contains(" Mutex<") || line.contains(" Mutex(") {
                Issue.record("\(folder)/\(file):\(index + 1): use Lock of Sources/Linux/Lock.swift instead of Mutex")
            }
        }
    }
}
