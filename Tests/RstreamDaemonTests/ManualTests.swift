// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import RstreamAdmin
import RstreamConfig
import RstreamCore
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

/// Compares the manual pages with the code.
@Suite("The manual pages of the daemon")
struct ManualTests {
    private static func page(_ name: String) throws -> String {
        try String(contentsOfFile: "\(Binaries.packageRoot)/man/\(name)", encoding: .utf8)
    }

    private static func words(_ text: String) -> Set<Substring> {
        Set(text.split { !$0.isLetter && !$0.isNumber && $0 != "_" && $0 != "-" })
    }

    @Test("rstreamd.yaml(5) names every key that a file may hold")
    func keys() throws {
        let keys = Set(ConfigurationKey.places.flatMap(ConfigurationKey.words))
        #expect(keys.count > 60)
        let words = Self.words(try Self.page("rstreamd.yaml.5"))
        for key in keys.sorted() { #expect(words.contains(key[...]), "\(key)") }
    }

    @Test("rstreamd(8) has every option, and every line of the log with its id")
    func daemon() throws {
        let page = try Self.page("rstreamd.8")
        let source = try ["Rstreamd", "DoctorCommand"].map { name in
            try String(contentsOfFile: "\(Binaries.packageRoot)/Sources/rstreamd/\(name).swift", encoding: .utf8)
        }.joined()
        let options = source.matches(of: #/@(?:Option|Flag)\((?s:.*?)\)\s+var (\w+)/#).map { match in
            match.output.1.reduce(into: "") { $0 += $1.isUppercase ? "-\($1.lowercased())" : String($1) }
        }
        #expect(options.count == 11)
        for option in options { #expect(page.contains("Fl -\(option)"), "--\(option)") }
        for entry in LogCatalogue.entries {
            #expect(page.contains(".It Sy \(entry.message)\n.Cm \(entry.id)\n"), "\(entry.message)")
        }
    }

    @Test(
        "the pages are the product's, whatever system they are read on",
        arguments: ["rstreamd.8", "rstreamd.yaml.5"]
    )
    func heading(name: String) throws {
        #expect(try Self.page(name).contains("\n.Os rstreamd\n"))
    }

    /// The labels of a metric, and whether it is a histogram.
    struct Metric: Equatable {
        var labels: [String]
        var isHistogram = false
    }

    /// Each metric of the METRICS section, with its explanation.
    static func documentedMetrics() throws -> [String: (metric: Metric, text: String)] {
        let lines = try page("rstreamd.8").split(separator: "\n").drop { $0 != ".Sh METRICS" }.prefix {
            $0 != ".Sh LOG"
        }
        var metrics: [String: (metric: Metric, text: String)] = [:]
        var current = ""
        for line in lines {
            if let entry = line.wholeMatch(of: #/\.It Cm (\w+)(?:\{([\w,]+)\})?/#) {
                current = String(entry.output.1)
                let labels = entry.output.2?.split(separator: ",").map(String.init) ?? []
                metrics[current] = (Metric(labels: labels), "")
            } else {
                metrics[current]?.text += line + "\n"
            }
        }
        for name in lines.filter({ $0.hasPrefix(".Cm process_") }).joined().matches(of: #/process_\w+/#) {
            metrics[String(name.output)] = (Metric(labels: []), "")
        }
        return metrics.mapValues { entry in
            var entry = entry
            entry.metric.isHistogram = entry.text.hasPrefix("Histogram: ")
            return entry
        }
    }

    @Test("rstreamd(8) has every metric and no other, with its labels, its kind and the values of its labels")
    func metrics() async throws {
        let documented = try Self.documentedMetrics()
        let served = try await Self.servedMetrics()
        #expect(served.count > 20)
        #expect(Set(documented.keys) == Set(served.keys))
        // Nothing here has a token or a certificate that ends, and no canary has come back.
        let unknown =
            ["token", "certificate"].map { "rstreamd_\($0)_expiry_timestamp_seconds" }
            + ["rstreamd_canary_duration_seconds"]
        for (name, metric) in served where !unknown.contains(name) {
            #expect(documented[name]?.metric == metric, "\(name)")
        }
        let values = [
            "rstreamd_streams_total": StreamOutcome.allCases.map(\.rawValue),
            "rstreamd_session_connects_total": ConnectOutcome.allCases.map(\.rawValue),
            "rstreamd_canary_attempts_total": CanaryOutcome.results,
            "rstreamd_prewarm_total": ["hit", "miss", "wasted", "aged"],
            "rstreamd_reloads_total": ReloadReply.Outcome.allCases.map(\.rawValue),
            "rstreamd_file_descriptors": ProcessFigures.DescriptorKind.allCases.map(\.rawValue),
            "rstreamd_stream_bytes_total": ["received", "sent"],
            "rstreamd_streams_refused_total": RefusalReason.allCases.map(\.rawValue),
        ]
        for (name, values) in values {
            let words = Self.words(documented[name]?.text ?? "")
            for value in values { #expect(words.contains(value[...]), "\(value) of \(name)") }
        }
    }

    /// The metrics of a daemon that has one of everything.
    private static func servedMetrics() async throws -> [String: Metric] {
        let context = ContextDefinition(
            name: "main",
            engine: .address(try EngineAddress("127.0.0.1:9")),
            credential: .none
        )
        var configuration = DaemonConfiguration()
        configuration.canary.interval = .seconds(3_600)
        configuration.tunnels = [
            TunnelDefinition(
                name: "web",
                upstream: .tcp(host: "127.0.0.1", service: "9"),
                spec: .http("web"),
                context: context
            )
        ]
        configuration.listeners = [
            ListenerDefinition(name: "db", listen: .tcp(host: "127.0.0.1", port: 0), target: "x", context: context)
        ]
        var text = ""
        try await RunningDaemon.withAdmin(configuration) { daemon in
            text = try await daemon.admin.call("GET", "/metrics").body
        }
        var metrics: [String: Metric] = [:]
        for family in text.matches(of: #/# TYPE (\w+) (\w+)/#) {
            metrics[String(family.output.1)] = Metric(labels: [], isHistogram: family.output.2 == "histogram")
        }
        for line in text.split(separator: "\n") {
            guard let sample = line.prefixMatch(of: #/(\w+)\{(.*)\} /#)?.output else { continue }
            let labels = sample.2.matches(of: #/(\w+)="/#).map { String($0.output.1) }.filter { $0 != "le" }
            let name = String(sample.1.replacing(#/_(bucket|sum|count)$/#, with: ""))
            metrics[metrics[name] == nil ? String(sample.1) : name]?.labels = labels
        }
        return metrics
    }
}
