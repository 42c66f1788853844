// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#if ConfigurationFiles
internal import RstreamModel

/// Chooses the credential (CONFIG.md §5).
struct CredentialResolution {
    let credential: ConfiguredCredential
    let source: SettingSource

    /// Whether it was stored for the engine of a context, and must not go to another one.
    var isStored: Bool {
        switch source {
        case .context, .environment: true
        case .override, .variable, .token, .unset: false
        }
    }

    /// Whether it opens the control plane too, which a client certificate does not.
    var isToken: Bool { if case .token = credential { true } else { false } }

    init(
        _ chosen: ContextResolution,
        overrides: ClientOverrides,
        variables: Variables
    ) throws(ClientConfigurationError) {
        let token = overrides.noToken ? nil : Self.token(overrides, variables)
        let certificate = try Self.certificate(overrides, variables)
        switch (token, certificate) {
        case (_?, _?): throw Self.conflict
        case (let token?, nil): (credential, source) = (.token(token.0), token.1)
        case (nil, let certificate?): (credential, source) = certificate
        case (nil, nil):
            let isContext = chosen.context?.auth.isSet == true
            // One that stands nearer replaces the other as a whole.
            let auth = isContext ? chosen.context?.auth : chosen.environment?.auth
            let stored = try auth.flatMap { auth throws(ClientConfigurationError) in
                try Self.stored(auth, in: chosen, noToken: overrides.noToken)
            }
            if let stored {
                (credential, source) = (stored, isContext ? .context : .environment)
            } else {
                guard overrides.noToken else {
                    throw ClientConfigurationError(
                        "\(chosen.subject)authentication is required but not configured",
                        fix: "run rstream login, or set RSTREAM_AUTHENTICATION_TOKEN",
                        code: .authRequired,
                        at: chosen.place(of: "auth") ?? chosen.place(of: "")
                    )
                }
                (credential, source) = (.none, .override)
            }
        }
    }

    private static let conflict = ClientConfigurationError(
        "token and mTLS authentication cannot be used together",
        fix: "keep one of them",
        code: .authConflict
    )

    private static func token(_ overrides: ClientOverrides, _ variables: Variables) -> (Secret, SettingSource)? {
        if let token = overrides.token, !token.isBlank { return (token, .override) }
        guard let token = variables.token else { return nil }
        return (Secret(token), .variable(Variables.Name.token.rawValue))
    }

    private static func certificate(
        _ overrides: ClientOverrides,
        _ variables: Variables
    ) throws(ClientConfigurationError) -> (ConfiguredCredential, SettingSource)? {
        var pair = (certificate: overrides.certificateFile.filled, key: overrides.keyFile.filled)
        var source = SettingSource.override
        if pair == (nil, nil) {
            pair = (variables.certificateFile, variables.keyFile)
            source = .variable(Variables.Name.certificateFile.rawValue)
        }
        switch pair {
        case (nil, nil): return nil
        case (let certificate?, let key?):
            return (.clientCertificate(certificateFile: certificate, keyFile: key), source)
        case (_?, nil), (nil, _?):
            throw ClientConfigurationError(
                "mTLS certificate and key files are both required",
                fix: "set both RSTREAM_MTLS_CERT_FILE and RSTREAM_MTLS_KEY_FILE, or neither",
                code: .mtlsIncomplete
            )
        }
    }

    // MARK: What the file holds

    private static func stored(
        _ auth: ClientFile.Auth,
        in chosen: ContextResolution,
        noToken: Bool
    ) throws(ClientConfigurationError) -> ConfiguredCredential? {
        let storage = noToken ? nil : auth.token
        if let storage, auth.mtls != nil, storage.value != nil || storage.kind != nil {
            throw ClientConfigurationError(
                chosen.subject + conflict.what,
                fix: conflict.fix,
                code: conflict.code,
                at: chosen.place(of: "auth.mtls")
            )
        }
        if let storage { return .token(try token(storage, in: chosen)) }
        return try auth.mtls.map { mtls throws(ClientConfigurationError) in try certificate(mtls, in: chosen) }
    }

    private static func token(
        _ storage: ClientFile.TokenStorage,
        in chosen: ContextResolution
    ) throws(ClientConfigurationError) -> Secret {
        let key = "auth.token.storage"
        // Without a kind it is inline, as in the official Python and Java documentation; the Go tool wants the kind.
        let kind = storage.kind ?? "inline"
        guard kind.sameBytes(as: "inline") else {
            throw ClientConfigurationError(
                "\(chosen.subject)token storage kind \"\(kind.shortened)\" is not supported",
                fix: "use kind: inline, or set RSTREAM_AUTHENTICATION_TOKEN",
                code: .unsupportedConfig,
                at: chosen.place(of: "\(key).kind")
            )
        }
        return storage.value ?? Secret("")
    }

    private static func certificate(
        _ mtls: ClientFile.MTLS,
        in chosen: ContextResolution
    ) throws(ClientConfigurationError) -> ConfiguredCredential {
        func mistake(
            _ what: String,
            fix: String? = nil,
            code: RstreamError.Code = .invalidConfig,
            at key: String = "auth.mtls"
        ) -> ClientConfigurationError {
            ClientConfigurationError(chosen.subject + what, fix: fix, code: code, at: chosen.place(of: key))
        }
        let inline = (mtls.certificate, mtls.key)
        let files = (mtls.certificateFile, mtls.keyFile)
        let hasInline = inline.0 != nil || inline.1 != nil
        let hasFiles = files.0 != nil || files.1 != nil
        if let storage = mtls.storage {
            let key = "auth.mtls.storage"
            guard !hasInline, !hasFiles else {
                throw mistake("mTLS storage cannot be mixed with certificate/key aliases", at: key)
            }
            guard let kind = storage.kind else { throw mistake("mTLS storage kind is required", at: key) }
            if kind.sameBytes(as: "exec"),
                storage.keys.contains(where: { !["exec", "certificateSHA256"].contains($0) })
            {
                throw mistake("exec mTLS storage cannot include another backend or certificate source", at: key)
            }
            throw mistake(
                "mTLS storage kind \"\(kind.shortened)\" is not supported",
                fix: "use certificateFile and keyFile",
                code: .unsupportedConfig,
                at: "\(key).kind"
            )
        }
        guard !(hasInline && hasFiles) else {
            throw mistake("mTLS certificate and key must be configured either inline or with files, not both")
        }
        if let certificate = inline.0, let key = inline.1 {
            return .clientCertificatePEM(certificate: certificate, key: key)
        }
        if let certificate = files.0, let key = files.1 {
            return .clientCertificate(certificateFile: certificate, keyFile: key)
        }
        throw mistake(
            hasInline
                ? "mTLS inline certificate and key are both required"
                : "mTLS certificate and key files are both required",
            code: .mtlsIncomplete
        )
    }
}
#endif
