// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import RstreamDaemonModel

/// A file of another program: a tunnel file that the daemon takes, or a complaint.
enum ImportedFiles {
    private static let path = "/home/lea/file"
    private static let daemon = Array(
        "version: 1\ncontext: fallback\ncontexts: { fallback: { engine: engine.example, noToken: true } }\n".utf8
    )

    static func check(_ bytes: [UInt8]) throws(Finding) {
        let host = ImaginaryHost(files: [path: bytes])
        for program in [nil] + ImportedProgram.allCases.map(Optional.init) {
            let conversion = ConfigurationImport(path, from: program, files: host)
            try demand(!conversion.messages.isEmpty, "nothing is said about a file")
            guard let output = conversion.output else {
                try demand(conversion.exitStatus == 78, "a file without output ends with \(conversion.exitStatus)")
                continue
            }
            try demand([0, 1].contains(conversion.exitStatus), "a tunnel file ends with \(conversion.exitStatus)")
            try load(output)
        }
    }

    private static func load(_ output: String) throws(Finding) {
        // Variables, and contexts of other files, are not known where a file is imported.
        let bytes = Array(output.utf8)
        guard !bytes.contains(UInt8(ascii: "$")), !bytes.contains(Array("external".utf8)) else { return }
        let host = ImaginaryHost(files: [ImaginaryHost.daemon: daemon, ImaginaryHost.tunnels: bytes])
        let loader = ConfigurationLoader(files: host, environment: [:], rule: ImaginaryHost.rule)
        do throws(ConfigurationError) {
            _ = try loader.load(ImaginaryHost.daemon)
        } catch {
            throw Finding("a tunnel file that was made is refused: \(error)\n\(output)")
        }
    }
}
