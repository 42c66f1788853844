import RstreamConfig
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The daemon and a client certificate's end", .serialized, .timeLimit(.minutes(1)))
struct ClientCertificateEndTests {
    @Test("does not dial with one that has ended, and says whose it is")
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
                    try await daemon.log.wait(for: "the client certificate has ended, the next connect will fail")
                    try await daemon.log.wait(for: RunningDaemon.outage)
                    let outage = try #require(daemon.log.lines(RunningDaemon.outage).first)
                    #expect(outage.metadata["error_code"] == "ERR_RSTREAM_CERTIFICATE_EXPIRED")
                    #expect(outage.metadata["error"]?.contains("c.pem\" has expired at 2021-01-01T00:00:00Z") == true)
                }
            }
        }
    }
}
