// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamConfig
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The expiry of a client certificate", .serialized, .timeLimit(.hang))
struct ClientCertificateEndTests {
    @Test("the daemon does not dial with an expired one, and names its context")
    func over() async throws {
        try await TemporaryFolder.with { folder in
            let certificate = try folder.write(ClientCertificate.endedCertificate, to: "c.pem")
            let key = try folder.write(ClientCertificate.endedKey, to: "k.pem")
            try await TestEngine.with { engine in
                let context = engine.context(credential: .clientCertificate(certificateFile: certificate, keyFile: key))
                let configuration = engine.configuration(
                    [.tcp("web")],
                    to: 9,
                    context: context,
                    rejected: .seconds(3_600)
                )
                try await RunningDaemon.with(configuration) { daemon in
                    try await daemon.log.wait(for: "client certificate expired, the next connect will fail")
                    try await daemon.log.wait(for: RunningDaemon.outage)
                    let outage = try #require(daemon.log.lines(RunningDaemon.outage).first)
                    #expect(outage.metadata["error_code"] == "ERR_RSTREAM_CERTIFICATE_EXPIRED")
                    #expect(daemon.warnings.map(\.message) == [RunningDaemon.outage], "one trouble is one warning")
                    #expect(outage.metadata["error"]?.contains("c.pem\" expired at 2021-01-01T00:00:00Z") == true)
                }
            }
        }
    }

    @Test("is in the status and the metrics, whether the certificate has expired or not")
    func shown() async throws {
        try await TemporaryFolder.with { folder in
            try await TestEngine.with { engine in
                for (certificate, key, end) in [
                    (ClientCertificate.endedCertificate, ClientCertificate.endedKey, "2021-01-01T00:00:00.000Z"),
                    (ClientCertificate.certificate, ClientCertificate.key, "2120-01-01T00:00:00.000Z"),
                ] {
                    let credential = ConfiguredCredential.clientCertificate(
                        certificateFile: try folder.write(certificate, to: "c.pem"),
                        keyFile: try folder.write(key, to: "k.pem")
                    )
                    let context = engine.context(credential: credential)
                    let configuration = engine.configuration([.tcp("web")], to: 9, context: context)
                    try await RunningDaemon.withAdmin(configuration) { daemon in
                        // The credential is looked at beside the attempt.
                        try await within("the certificate's end") {
                            while try await daemon.admin.get("/v1/status", as: DaemonStatus.self).sessions.first?
                                .certificateExpiresAt == nil
                            { try await Task.sleep(for: .milliseconds(5)) }
                        }
                        let status = try await daemon.admin.get("/v1/status", as: DaemonStatus.self)
                        #expect(status.sessions.map(\.certificateExpiresAt?.description) == [end])
                        let page = try await daemon.admin.call("GET", "/metrics").body
                        let seconds = Double((UTCTime(end)?.milliseconds ?? 0) / 1_000)
                        let name = "rstreamd_certificate_expiry_timestamp_seconds"
                        #expect(page.contains("\n\(name){context=\"main\"} \(seconds)\n"), "\(page)")
                    }
                }
            }
        }
    }
}
