// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import RstreamModel

/// The daemon's file and, behind a byte 0x1E, a tunnel file: a configuration whose tunnels may be sent, or a complaint
/// with a place.
enum ConfigurationFiles {
    private static let environment = ["PORT": "1\n$", "B": ": {", "A": "a"]
    private static let usual = Array(
        "version: 1\ncontext: main\ncontexts: { main: { engine: engine.example, noToken: true } }\n".utf8
    )

    static func check(_ bytes: [UInt8]) throws(Finding) {
        let parts = bytes.split(separator: 0x1E, maxSplits: 1, omittingEmptySubsequences: false).map { Array($0) }
        var host = ImaginaryHost(files: [ImaginaryHost.daemon: parts[0].isEmpty ? usual : parts[0]])
        if parts.count > 1 { host.files[ImaginaryHost.tunnels] = parts[1] }
        let loader = ConfigurationLoader(files: host, environment: environment, rule: ImaginaryHost.rule)
        let loaded: LoadedConfiguration
        do throws(ConfigurationError) {
            loaded = try loader.load(ImaginaryHost.daemon)
        } catch {
            try demand(error.diagnostics.contains { $0.severity == .error }, "a refusal has no reason")
            return try check(error.diagnostics)
        }
        try check(loaded.warnings)
        for tunnel in loaded.configuration.tunnels {
            let problem = tunnel.spec.problems.first ?? tunnel.spec.unsupported
            try demand(problem == nil, "a tunnel that was loaded may not be sent: \(problem?.description ?? "")")
        }
    }

    private static func check(_ diagnostics: [Diagnostic]) throws(Finding) {
        for diagnostic in diagnostics {
            let place = (diagnostic.line, diagnostic.column)
            try demand(place == (0, 0) || place.0 >= 1 && place.1 >= 1, "\(diagnostic.message) is at \(place)")
            try demand(!diagnostic.message.isEmpty, "a diagnostic has no words")
            // A line of the file stands in it, with its tabs, and nothing else that a terminal would act on.
            let shown = diagnostic.description
            let isSafe = shown.unicodeScalars.allSatisfy { !$0.isHidden || $0 == "\n" || $0 == "\t" }
            try demand(isSafe, "a diagnostic is \(shown.debugDescription)")
        }
    }
}
