// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import Testing

@testable import RstreamDaemon

@Suite("The format of metrics")
struct MetricsFormatTests {
    @Test(
        "is OpenMetrics for clients that name it and do not prefer the text",
        arguments: [
            "application/openmetrics-text", "application/openmetrics-text;version=1.0.0",
            "application/openmetrics-text; version=\"1.0.0\"; charset=utf-8", "Application/OpenMetrics-Text;Q=0.001",
            "application/openmetrics-text,text/plain", "text/plain , application/openmetrics-text",
            "application/openmetrics-text;q=0.7,text/plain;q=0.3", "application/openmetrics-text;q=0.5, */*;q=0.1",
            "application/openmetrics-text;q=1.000, text/*",
            // A version of the text that is not ours is no wish for the text.
            "application/openmetrics-text;q=0.2,text/plain;version=1.0.0;q=0.9",
            // The closest range counts, not the first one.
            "*/*;q=0.9, application/openmetrics-text;q=0.8, text/plain;q=0.5",
            // Prometheus 2 and 3.
            "application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,"
                + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;"
                + "version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;"
                + "q=0.3,*/*;q=0.2",
        ]
    )
    func openMetrics(accept: String) {
        #expect(MetricsFormat(accept: accept) == .openMetrics)
    }

    @Test(
        "is the text for everybody else, also for those who accept neither and those who make no sense",
        arguments: [
            "", "*/*", "application/*", "text/plain", "application/json", "text/plain;version=0.0.4;q=1,*/*;q=0.1",
            "application/openmetrics-text;version=0.0.1", "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=0.3, text/plain;q=0.7", "application/openmetrics-text;q=0.5, */*",
            "application/openmetrics-text;q=0.5, text/*;q=0.6", "*/openmetrics-text", "application/openmetrics-texts",
            "application/openmetrics-text;q=", "application/openmetrics-text;q=1.5",
            "application/openmetrics-text;q=0.0001", "application/openmetrics-text;q=-1",
            "application/openmetrics-text;q=1e0", "application/openmetrics-text;q=0.+1",
            "application/openmetrics\u{301}-text", "text/html;x=\",application/openmetrics-text\"", ";;,,=/,\"", "\"",
        ]
    )
    func text(accept: String) {
        #expect(MetricsFormat(accept: accept) == .text)
    }

    @Test("has the media type that its specification gives it")
    func mediaTypes() {
        #expect(MetricsFormat.text.mediaType == "text/plain; version=0.0.4; charset=utf-8")
        #expect(MetricsFormat.openMetrics.mediaType == "application/openmetrics-text; version=1.0.0; charset=utf-8")
    }

    @Test("is what a client gets at /metrics, and the answer says what it depends on")
    func served() async throws {
        try await RunningDaemon.withAdmin(DaemonConfiguration()) { daemon in
            let plain = try await daemon.admin.call("GET", "/metrics")
            #expect(plain.headers["content-type"] == MetricsFormat.text.mediaType)
            #expect(plain.headers["vary"] == "Accept")
            #expect(plain.body.contains("# TYPE rstreamd_build_info gauge\n"))
            #expect(!plain.body.contains("# EOF"))
            let headers = ["Accept": "application/openmetrics-text"]
            let open = try await daemon.admin.call("GET", "/metrics", headers: headers)
            #expect(open.headers["content-type"] == MetricsFormat.openMetrics.mediaType)
            #expect(open.headers["vary"] == "Accept")
            #expect(open.body.contains("# TYPE rstreamd_build info\n"))
            #expect(open.body.hasSuffix("\n# EOF\n"))
        }
    }
}
