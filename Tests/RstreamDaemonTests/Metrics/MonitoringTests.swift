// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import RstreamTestSupport
import Testing

/// Compares the dashboard and the rules in etc/monitoring with rstreamd(8), which `ManualTests` compares with a daemon.
@Suite("The files for monitoring")
struct MonitoringTests {
    private static let files = ["alerts.yaml", "alerts.test.yaml", "grafana-dashboard.json"]
    /// What Prometheus adds to each series.
    private static let added: Set<String> = ["job", "instance", "le"]

    private static func text(_ file: String) throws -> String {
        let path = "\(Binaries.packageRoot)/etc/monitoring/\(file)"
        return try String(contentsOfFile: path, encoding: .utf8).replacing(#"\""#, with: "\"")
    }

    /// The metric that a name in a query stands for: a histogram's samples have endings of their own.
    private static func metric(_ name: some StringProtocol, _ metrics: [String: ManualTests.Metric]) -> String {
        for ending in ["_bucket", "_sum", "_count"] where name.hasSuffix(ending) {
            let family = String(name.dropLast(ending.count))
            if metrics[family]?.isHistogram == true { return family }
        }
        return String(name)
    }

    @Test("name metrics that there are, with labels that they have", arguments: files)
    func selectors(file: String) throws {
        let metrics = try ManualTests.documentedMetrics().mapValues(\.metric)
        let text = try Self.text(file)
        var found = 0
        for match in text.matches(of: #/\b((?:rstreamd|process)_[a-z_]+)(?:\{([^}]*)\})?/#) {
            let name = Self.metric(match.output.1, metrics)
            found += 1
            guard let metric = metrics[name] else {
                Issue.record("\(file): there is no metric \(match.output.1)")
                continue
            }
            for label in (match.output.2 ?? "").matches(of: #/(\w+)\s*(?:=|!=|=~|!~)\s*"/#) {
                let label = String(label.output.1)
                #expect(Self.added.contains(label) || metric.labels.contains(label), "\(file): \(label) of \(name)")
            }
        }
        #expect(found > 20, "the metrics are not found any more")
    }

    @Test("group, join and show by labels that some metric has", arguments: files)
    func labels(file: String) throws {
        let known = try ManualTests.documentedMetrics().values.reduce(Self.added) { $0.union($1.metric.labels) }
        let text = try Self.text(file)
        var used: [String] = []
        for list in text.matches(of: #/\b(?:by|on|without|ignoring|group_left|group_right) \(([\w, ]*)\)/#) {
            used += list.output.1.split(separator: ",").map { String($0.filter { $0 != " " }) }
        }
        used += text.matches(of: #/\{\{ ?(?:\$labels\.)?(\w+) ?\}\}/#).map { String($0.output.1) }
        #expect(file == "alerts.test.yaml" || used.count > 20, "the labels are not found any more")
        for label in used { #expect(known.contains(label), "\(file): \(label)") }
    }

    @Test("have a dashboard that shows every metric of the daemon")
    func dashboard() throws {
        let metrics = try ManualTests.documentedMetrics().mapValues(\.metric)
        let text = try Self.text("grafana-dashboard.json")
        let shown = Set(text.matches(of: #/\b(?:rstreamd|process)_[a-z_]+/#).map { Self.metric($0.output, metrics) })
        // Nobody watches the address space.
        #expect(Set(metrics.keys).subtracting(shown) == ["process_virtual_memory_bytes"])
    }

    @Test("have a test for each alert, which says how bad it is and what to do")
    func alerts() throws {
        let alerts = try Self.text("alerts.yaml").split(separator: "- alert: ").dropFirst()
        let tests = try Self.text("alerts.test.yaml")
        #expect(alerts.count > 15)
        for alert in alerts {
            let name = alert.prefix { $0 != "\n" }
            for part in ["expr: ", "severity: ", "summary: ", "description: "] {
                #expect(alert.contains(part), "\(name) has no \(part)")
            }
            #expect(tests.contains("alertname: \(name)\n        exp_alerts:\n"), "no test in which \(name) fires")
            #expect(tests.contains("alertname: \(name)\n        exp_alerts: []"), "no test in which \(name) is quiet")
        }
    }
}
