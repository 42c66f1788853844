// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Testing

/// What a peer, the kernel or a file sees as bytes is compared, searched and cut as bytes (Sources/RstreamModel/Bytes.swift).
/// Swift's own operations on strings work on characters: they normalise, at the square of a run of combining marks, do not
/// see a separator that such a mark follows, take CR LF for one character and "é" in both spellings for the same.
@Suite("text from outside is bytes")
struct CharacterTests {
    /// Where text from outside passes.
    private static let modules = [
        "ClientConfiguration", "DevEngine", "DockerTunnels", "EngineTLS", "GuardedJSON", "Linux", "Rstream",
        "RstreamConfig",
        "RstreamCore",
        "RstreamDaemonModel", "RstreamModel", "RstreamRelay", "RstreamSocket", "RstreamWire", "Systemd", "YAML",
    ]

    /// Operations on characters, and what stands for them.
    private static let forbidden: [(pattern: String, instead: String)] = [
        (".lowercased()", "asciiLowercased"), (".uppercased()", "asciiUppercased"),
        (".hasPrefix(", "startsWithBytes(of:)"), (".hasSuffix(", "endsWithBytes(of:)"),
        ("split(separator: \"", "split(byte:)"), ("split(whereSeparator:", "split(byte:)"),
        ("firstIndex(of: \"", "firstIndex(ofByte:)"), ("lastIndex(of: \"", "lastIndex(ofByte:)"),
        (".contains(\"", "contains(byte:)"), (".first == \"", "utf8.first"), (".last == \"", "utf8.last"),
        ("components(separatedBy", "split(byte:)"), ("replacingOccurrences", "bytes"), (".isNewline", "a byte"),
        ("trimmingCharacters", "trimmed"),
    ]

    /// Lines that may have one, and why.
    private static let allowed: [(file: String, fragment: String, why: String)] = [
        ("DevEngine/Identifiers.swift", "uuidString", "its own digits"),
        ("RstreamModel/Duration+Seconds.swift", "digits.last", "its own digits"),
        ("RstreamCore/Proxy/ProxyFailure.swift", "schemes.contains", "a list of short words"),
        ("RstreamConfig/Expansion/TextExpansion.swift", "scalars", "an array of scalars"),
        ("RstreamConfig/Diagnostics/SourceFile.swift", "scalars", "an array of scalars"),
        ("RstreamConfig/Reading/TransportReader.swift", "spoilt.contains", "a set of keys that are known"),
        ("RstreamConfig/Reading/ContextReader.swift", "given.contains", "a set of keys that are known"),
    ]

    @Test("no operation on characters stands where bytes pass", arguments: modules)
    func bytes(module: String) throws {
        for (file, number, line) in try lines(of: module) {
            for (pattern, instead) in Self.forbidden where line.contains(pattern) {
                let isAllowed = Self.allowed.contains { file == $0.file && line.contains($0.fragment) }
                if !isAllowed { Issue.record("\(file):\(number): \(pattern) works on characters; use \(instead)") }
            }
        }
    }

    @Test("every exception is still needed")
    func exceptions() throws {
        for (file, fragment, _) in Self.allowed {
            let found = try lines(of: String(file.prefix { $0 != "/" })).contains { line in
                line.file == file && line.text.contains(fragment)
            }
            #expect(found, "\(file) has no \(fragment) any more")
        }
    }

    /// Tasks outside of the tree of tasks, and waits, run on threads of libdispatch, which ends the process when it cannot
    /// open a file (Sources/RstreamDaemon/Executor/TaskThreads.swift).
    @Test("nothing of the daemon runs on Swift's own pool", arguments: ["Rstream", "RstreamDaemon", "RstreamRelay"])
    func executor(module: String) throws {
        let patterns = [" Task {", "Task.detached", "Task.sleep", "DispatchQueue", "@MainActor"]
        // Called by programs that use the library, not by the daemon.
        let scopes = "Rstream/Client/RstreamClient+Scopes.swift"
        for (file, number, line) in try lines(of: module) where file != scopes {
            for pattern in patterns where line.contains(pattern) { Issue.record("\(file):\(number): \(pattern)") }
        }
    }

    /// The lines of code, without comments, and generated ones.
    private func lines(of module: String) throws -> [(file: String, number: Int, text: String)] {
        let folder = "\(sources)/\(module)"
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder).filter {
            $0.hasSuffix(".swift") && !$0.hasSuffix(".pb.swift")
        }
        #expect(!files.isEmpty)
        return try files.sorted().flatMap { file in
            try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
                .split(separator: "\n", omittingEmptySubsequences: false).enumerated()
                .filter { !$0.element.drop { $0 == " " }.hasPrefix("//") }
                .map { ("\(module)/\(file)", $0.offset + 1, String($0.element)) }
        }
    }
}
