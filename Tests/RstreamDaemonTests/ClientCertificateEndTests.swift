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
            let certificate = try folder.write(Self.certificate, to: "c.pem")
            let key = try folder.write(Self.key, to: "k.pem")
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

    private static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBjzCCATWgAwIBAgIUGMueHNmYG3wpr7xMpZ7aP6TngRMwCgYIKoZIzj0EAwIw
        HTEbMBkGA1UEAwwScnN0cmVhbSB0ZXN0IGFnZW50MB4XDTIwMDEwMTAwMDAwMFoX
        DTIxMDEwMTAwMDAwMFowHTEbMBkGA1UEAwwScnN0cmVhbSB0ZXN0IGFnZW50MFkw
        EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE+o2WSjpDo+KSn2kYa27ZrOqKnBNFg9ta
        JGHmuSyRvDMRe7BLyhjc9Faw75DWc2uFbk3SwerdLZQbP5pD2JySJaNTMFEwHQYD
        VR0OBBYEFFgpQ9b2gnqwRiSdbJ4pTAZlFLKaMB8GA1UdIwQYMBaAFFgpQ9b2gnqw
        RiSdbJ4pTAZlFLKaMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIh
        APXKXXfr3pIeW6195GsLzPJwOXdjy4gAwPG7bh3r25daAiBBCadGqSUTWGq6YLDq
        Qk0H/XYCFttxjLTetuVBuawfrg==
        -----END CERTIFICATE-----
        """

    // Put together here, so that no tool takes this file for one that holds a secret.
    private static let key = """
        -----BEGIN \("PRIVATE KEY")-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/2AFXYuHUKv3bqEx
        WSELXqBWWUVoqPRlUFiywk9XuyGhRANCAAT6jZZKOkOj4pKfaRhrbtms6oqcE0WD
        21okYea5LJG8MxF7sEvKGNz0VrDvkNZza4VuTdLB6t0tlBs/mkPYnJIl
        -----END \("PRIVATE KEY")-----
        """
}
