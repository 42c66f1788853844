// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Rstream
internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamModel

/// The way to one engine, from the credential to the engine's answer.
struct EngineExamination {
    private static let day: Int64 = 24 * 60 * 60

    private let context: ContextDefinition

    init(_ context: ContextDefinition) {
        self.context = context
    }

    func run(_ report: (Finding) async -> Void) async {
        let client = RstreamClient(RstreamClientOptions(context))
        await client.probe { step in
            for finding in findings(step) { await report(finding) }
        }
    }

    private func findings(_ step: ProbeStep) -> [Finding] {
        switch step {
        case .credential(.success(let expiry)): [credential(expiry)]
        case .credential(.failure(let error)): [failed("credentials", error)]
        case .key(.success(let duration)):
            [ok("credentials", "the device has found the key and signed with it in \(duration.milliseconds) ms")]
        case .key(.failure(let error)): [failed("credentials", error)]
        case .engine(.success(let address)): [ok("engine", "is at \(address)")]
        case .engine(.failure(let error)): [failed("engine", error)]
        case .proxy(.success(let proxy)):
            [proxy.map { ok("proxy", "goes through \($0)") } ?? skip("proxy", "none is used")]
        case .proxy(.failure(let error)): [failed("proxy", error)]
        case .addresses(let name, .success(let addresses)):
            [ok("dns", "\(name) is \(addresses.map(\.description).joined(separator: ", "))")]
        case .addresses(_, .failure(let error)): [failed("dns", error)]
        case .connected(let place, .success(let duration)):
            [ok("tcp", "connected to \(place) in \(duration.milliseconds) ms")]
        case .connected(_, .failure(let error)): [failed("tcp", error)]
        case .certificates(.success(let chain)): certificates(chain)
        case .certificates(.failure(let error)): [failed("tls", error)]
        case .secured(.success(let negotiated)): secured(negotiated)
        case .secured(.failure(let error)): [failed("tls", error)]
        case .answered(.success(let answer)): [answered(answer)]
        case .answered(.failure(let error)):
            [failed("engine", error.withFix(for: RstreamClientOptions(context).credential))]
        }
    }

    private func credential(_ expiry: TokenExpiry?) -> Finding {
        let kind =
            switch context.credential {
            case .token: "a token"
            case .tokenFile(let path): "the token of \(path)"
            case .tokenCredential(let path): "the token of the systemd credential \(path)"
            case .clientCertificate(let certificate, _): "the client certificate \(certificate)"
            case .hardwareKey(let certificate, let key): "the client certificate \(certificate) with the key \(key.uri)"
            case .clientCertificatePEM: "a client certificate"
            case .none: "nothing (noToken)"
            }
        switch expiry {
        case .withinADay(let end):
            let at = UTCTime(sinceEpoch: .seconds(end))
            return Finding("credentials", .warn, of: context.name, "\(kind), which expires at \(at)", fix: "replace it")
        case .expires(let end):
            return ok("credentials", "\(kind), good until \(UTCTime(sinceEpoch: .seconds(end)))")
        case .expired(let end):
            let at = UTCTime(sinceEpoch: .seconds(end))
            return Finding("credentials", .fail, of: context.name, "\(kind), which expired at \(at)", fix: "replace it")
        case .never, nil: return ok("credentials", kind)
        }
    }

    private func certificates(_ chain: [PresentedCertificate]) -> [Finding] {
        let now = Int64(time(nil))
        return chain.enumerated().map { place, certificate in
            let who = place == 0 ? "certificate for \(certificate.names.joined(separator: ", "))" : "issuer \(place)"
            let end = UTCTime(sinceEpoch: .seconds(certificate.notAfter))
            if certificate.notAfter <= now {
                return Finding(
                    "tls",
                    .fail,
                    of: context.name,
                    "\(who) expired at \(end)",
                    fix: "the engine needs a new one"
                )
            }
            if certificate.notBefore > now {
                let start = UTCTime(sinceEpoch: .seconds(certificate.notBefore))
                let fix = "check this host's clock"
                return Finding("tls", .fail, of: context.name, "\(who) is not valid before \(start)", fix: fix)
            }
            let days = (certificate.notAfter - now) / Self.day
            return Finding("tls", days < 7 ? .warn : .ok, of: context.name, "\(who), good until \(end) (\(days) days)")
        }
    }

    private func secured(_ negotiated: String?) -> [Finding] {
        let trust = trust
        guard let negotiated, !negotiated.isEmpty else {
            let fix = "check that this is an engine: a proxy or a load balancer may answer in its place"
            return trust + [Finding("alpn", .warn, of: context.name, "nothing was agreed on", fix: fix)]
        }
        return trust + [ok("alpn", negotiated)]
    }

    /// What the TLS handshake proves.
    private var trust: [Finding] {
        func unchecked(_ peer: String) -> Finding {
            let what = "the \(peer)'s certificate is not checked (insecureSkipVerify)"
            return Finding("tls", .warn, of: context.name, what, fix: "trust its authority with caFile instead")
        }
        switch context.transport.verification {
        case .full: return [ok("tls", "the certificate is trusted, and is the engine's")]
        case .engineOnly: return [ok("tls", "the certificate is trusted, and is the engine's"), unchecked("proxy")]
        case .none: return [unchecked("engine")]
        }
    }

    private func answered(_ answer: ProbeAnswer) -> Finding {
        var facts: [String] = []
        if let server = answer.server {
            facts +=
                [server.agent, server.version].compactMap { $0 }.isEmpty
                ? [] : [[server.agent, server.version].compactMap { $0 }.joined(separator: " ")]
            facts += [server.region.map { "region \($0)" }].compactMap { $0 }
        }
        facts.append("answered in \(answer.after.milliseconds) ms")
        if answer.livenessTimeout == nil { facts.append("without liveness: a dead connection is noticed late") }
        return ok("engine", facts.joined(separator: ", "))
    }

    private func ok(_ check: String, _ detail: String) -> Finding { Finding(check, .ok, of: context.name, detail) }

    private func skip(_ check: String, _ detail: String) -> Finding { Finding(check, .skip, of: context.name, detail) }

    private func failed(_ check: String, _ error: RstreamError) -> Finding {
        Finding(check, .fail, of: context.name, error.what, fix: error.fix)
    }
}

extension Duration {
    /// Whole milliseconds.
    fileprivate var milliseconds: Int64 { components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000 }
}
