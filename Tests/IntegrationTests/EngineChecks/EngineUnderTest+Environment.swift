// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Rstream
import RstreamTestSupport
import Testing

/// The settings of `make e2e`, from environment variables. A blank one counts as not set.
extension EngineUnderTest {
    /// The environment does not say enough, or contradicts itself.
    struct Unusable: Error, Hashable, CustomStringConvertible {
        let description: String
    }

    /// The engine that the environment names; nil when it names none.
    static let fromEnvironment = Result {
        let given = try EngineUnderTest { Binaries.environment($0) }
        print("The engine under test:", given.map { "\($0)" } ?? "a dev engine, since RSTREAM_ENGINE is not set")
        return given
    }

    /// Reads the variables.
    ///
    /// Half a certificate is an error, and so is an engine without a credential: a run in which nothing is checked must
    /// not look like one in which everything is well.
    init?(environment: (String) -> String?) throws {
        func value(_ name: String) -> String? {
            environment(name).flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 }
        }
        guard let engine = value("RSTREAM_ENGINE") else { return nil }
        do {
            address = try EngineAddress(engine)
        } catch {
            throw Unusable(description: "RSTREAM_ENGINE \(error)")
        }
        token = value("RSTREAM_AUTHENTICATION_TOKEN").map { Secret($0) }
        switch (value("RSTREAM_MTLS_CERT_FILE"), value("RSTREAM_MTLS_KEY_FILE")) {
        case (let certificateFile?, let keyFile?):
            certificate = Certificate(certificateFile: certificateFile, keyFile: keyFile)
        case (nil, nil): certificate = nil
        case (nil, _): throw Unusable(description: "RSTREAM_MTLS_KEY_FILE is set, but not RSTREAM_MTLS_CERT_FILE")
        case (_, nil): throw Unusable(description: "RSTREAM_MTLS_CERT_FILE is set, but not RSTREAM_MTLS_KEY_FILE")
        }
        guard token != nil || certificate != nil else {
            throw Unusable(
                description: """
                    RSTREAM_ENGINE is set, but neither RSTREAM_AUTHENTICATION_TOKEN \
                    nor RSTREAM_MTLS_CERT_FILE and RSTREAM_MTLS_KEY_FILE
                    """
            )
        }
        tls = TransportOptions.TLS(
            caFile: value("RSTREAM_E2E_CA_FILE"),
            insecureSkipVerify: value("RSTREAM_E2E_TLS_INSECURE") == "1"
        )
    }
}

extension EngineUnderTest: CustomStringConvertible {
    /// The address, and by what its agents are let in.
    var description: String {
        let credentials = [token.map { _ in "a token" }, certificate.map { _ in "a client certificate" }]
        return "\(address) with \(credentials.compactMap(\.self).joined(separator: " and "))"
    }
}

extension Trait where Self == ConditionTrait {
    /// For checks of what a client certificate is good for. Where there is none, the report says so.
    static var needsCertificate: Self {
        .enabled("not run: RSTREAM_MTLS_CERT_FILE is not set") {
            guard let given = try EngineUnderTest.fromEnvironment.get() else { return true }
            return given.certificate != nil
        }
    }

    /// For the check of what two ways to ask who a visitor is mean together. An engine that says that one of them is not
    /// available has nothing to be checked, and the report says so.
    static var needsBothAuthentications: Self {
        .enabled("not run: the engine does not offer both in the first place") {
            let isOffered = Observed(true)
            try await EngineUnderTest.with { engine in
                let control = try await engine.client().connect()
                do {
                    _ = try await control.createTunnel(.siteWithBothAuthentications())
                } catch let error as RstreamError where error.engineCode == .featureNotAvailable {
                    isOffered.change { $0 = false }
                } catch is RstreamError {
                    // The check says what is wrong with it.
                }
                await control.close()
            }
            return isOffered.value
        }
    }
}
