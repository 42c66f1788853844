// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Rstream
internal import RstreamConfig
internal import RstreamModel

/// When the tokens and client certificates of a configuration end, for a check. They may be replaced before the daemon
/// runs, so an end is never an error.
enum CredentialEnds {
    /// What has ended or ends within a day, each once.
    static func warnings(about configuration: DaemonConfiguration) -> [Diagnostic] {
        let contexts =
            configuration.contexts + configuration.tunnels.map(\.context) + configuration.listeners.map(\.context)
        var seen: Set<String> = []
        return contexts.compactMap(warning).filter { seen.insert("\($0.file) \($0.message)").inserted }
    }

    private static func warning(about context: ContextDefinition) -> Diagnostic? {
        let kind: String
        switch context.credential {
        case .token: kind = "its token"
        case .tokenFile(let path): kind = "the token of \(path)"
        case .tokenCredential(let path): kind = "the token of the systemd credential \(path)"
        case .clientCertificate(let path, _), .hardwareKey(let path, _): kind = "the client certificate \(path)"
        case .clientCertificatePEM: kind = "its client certificate"
        case .none: return nil
        }
        let words: String
        switch RstreamClientOptions(context).credentialExpiry() {
        case .withinADay(let end): words = "expires at \(UTCTime(sinceEpoch: .seconds(end)))"
        case .expired(let end): words = "expired at \(UTCTime(sinceEpoch: .seconds(end)))"
        case .never, .expires: return nil
        }
        return Diagnostic(
            severity: .warning,
            file: context.mark.file,
            line: context.mark.line,
            column: context.mark.column,
            message: "context \"\(context.name)\": \(kind) \(words)",
            hint: "replace it"
        )
    }
}
