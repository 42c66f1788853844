// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import Testing

@testable import RstreamDaemon

@Suite("The text of metrics")
struct PrometheusTextTests {
    private static func page(_ format: MetricsFormat) -> String {
        var page = PrometheusText(format)
        page.family("a_info", .info, "Labels.")
        page.sample("a_info", [("name", "a\\b\"c\nd")], 1)
        page.family("a_online", .gauge, "A state.")
        page.sample("a_online", 1)
        page.family("a_bytes_total", .counter, "Bytes.")
        page.sample("a_bytes_total", [("name", "x"), ("direction", "sent")], 7)
        page.family("a_cpu_seconds_total", .counter, "CPU.")
        page.sample("a_cpu_seconds_total", seconds: 1.5)
        page.end()
        return page.text
    }

    @Test("in Prometheus' own format")
    func text() {
        #expect(
            Self.page(.text) == #"""
                # HELP a_info Labels.
                # TYPE a_info gauge
                a_info{name="a\\b\"c\nd"} 1
                # HELP a_online A state.
                # TYPE a_online gauge
                a_online 1
                # HELP a_bytes_total Bytes.
                # TYPE a_bytes_total counter
                a_bytes_total{name="x",direction="sent"} 7
                # HELP a_cpu_seconds_total CPU.
                # TYPE a_cpu_seconds_total counter
                a_cpu_seconds_total 1.5

                """#
        )
    }

    @Test("as OpenMetrics: families without the endings of samples, units, and an end")
    func openMetrics() {
        #expect(
            Self.page(.openMetrics) == #"""
                # TYPE a info
                # HELP a Labels.
                a_info{name="a\\b\"c\nd"} 1
                # TYPE a_online gauge
                # HELP a_online A state.
                a_online 1
                # TYPE a_bytes counter
                # UNIT a_bytes bytes
                # HELP a_bytes Bytes.
                a_bytes_total{name="x",direction="sent"} 7
                # TYPE a_cpu_seconds counter
                # UNIT a_cpu_seconds seconds
                # HELP a_cpu_seconds CPU.
                a_cpu_seconds_total 1.5
                # EOF

                """#
        )
    }

    @Test("has the same samples in both formats", arguments: MetricsFormat.allCases)
    func histogram(format: MetricsFormat) {
        var histogram = Histogram()
        histogram.observe(.milliseconds(2))
        histogram.observe(.seconds(20))
        var page = PrometheusText(format)
        page.family("a_seconds", .histogram, "Times.")
        page.sample("a_seconds", [("name", "x")], histogram)
        let lines = page.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(lines.first == #"a_seconds_bucket{name="x",le="0.001"} 0"#)
        #expect(lines.contains(#"a_seconds_bucket{name="x",le="1.0"} 1"#))
        #expect(
            lines.suffix(3) == [
                #"a_seconds_bucket{name="x",le="+Inf"} 2"#, #"a_seconds_sum{name="x"} 20.002"#,
                #"a_seconds_count{name="x"} 2"#,
            ]
        )
    }
}
