// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Testing

/// Certificates are verified in one place (Sources/Rstream/Certificates/TLSClient.swift); TLS that is started elsewhere would
/// bypass it.
@Suite("TLS as a client")
struct TLSTests {
    @Test(
        "is started in one file",
        arguments: [
            ("NIOSSLClientHandler(", "Certificates/TLSClient.swift"),
            ("EngineTLSHandler(", "Certificates/TLSClient+EngineTLS.swift"),
        ]
    )
    func start(call: String, file: String) throws {
        let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Sources/Rstream")
        var files: [String] = []
        for path in try FileManager.default.subpathsOfDirectory(atPath: sources.path) where path.hasSuffix(".swift") {
            let text = try String(contentsOf: sources.appending(path: path), encoding: .utf8)
            if text.contains(call) { files.append(path) }
        }
        #expect(files == [file])
    }
}
