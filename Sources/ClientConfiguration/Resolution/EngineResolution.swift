// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#if ConfigurationFiles
internal import RstreamModel

/// Finds where the engine is (CONFIG.md §6), and whether the credential may be sent there (§5.1).
struct EngineResolution {
    let location: EngineLocation
    let source: SettingSource

    /// How the engine is found.
    private enum Place {
        /// A setting that gives the address.
        case address(EngineAddress, SettingSource)
        /// The control plane, which is asked for this project.
        case project(endpoint: String)
    }

    /// `auth` is nil when it is wrong itself.
    init(
        _ chosen: ContextResolution,
        auth: CredentialResolution?,
        overrides: ClientOverrides,
        variables: Variables
    ) throws(ClientConfigurationErrors) {
        let explicit = Result { () throws(ClientConfigurationError) in try Self.explicit(overrides, variables) }
        let region = Result { () throws(ClientConfigurationError) in try Self.region(chosen, overrides, variables) }
        // What follows depends on both.
        switch (explicit, region) {
        case (.success(let explicit), .success(let region)):
            let place: Place
            do throws(ClientConfigurationError) {
                place = try Self.place(explicit, region, chosen, auth)
            } catch {
                throw ClientConfigurationErrors(error)
            }
            switch place {
            case .address(let address, let source): (location, self.source) = (.address(address), source)
            case .project(let endpoint):
                let project = try Self.project(endpoint, region, chosen, auth, overrides, variables)
                (location, source) = (.project(project), .context)
            }
        case (.failure(let error), .success), (.success, .failure(let error)):
            throw ClientConfigurationErrors(error)
        case (.failure(let first), .failure(let second)): throw ClientConfigurationErrors(first, [second])
        }
    }

    private static func place(
        _ explicit: (address: EngineAddress, source: SettingSource)?,
        _ region: String?,
        _ chosen: ContextResolution,
        _ auth: CredentialResolution?
    ) throws(ClientConfigurationError) -> Place {
        if let explicit {
            guard region == nil else {
                throw ClientConfigurationError(
                    "region selection cannot be combined with an explicit engine override",
                    fix: "leave out the engine (\(explicit.source)), or the region",
                    code: .regionEngineConflict
                )
            }
            if let auth, auth.isStored { try checkStored(auth, chosen, goesTo: explicit.address) }
            return .address(explicit.address, explicit.source)
        }
        if region == nil, let text = chosen.context?.engine {
            do throws(EngineAddress.Malformed) {
                return .address(try EngineAddress(text), .context)
            } catch {
                throw ClientConfigurationError(
                    "\(chosen.subject)engine \(error.description)",
                    fix: "expected host or host:port",
                    code: .invalidEngine,
                    at: chosen.place(of: "engine")
                )
            }
        }
        if let endpoint = chosen.context?.projectEndpoint { return .project(endpoint: endpoint) }
        guard region == nil else {
            throw ClientConfigurationError(
                "\(chosen.subject)managed project endpoint is required for region selection",
                fix: "give the context a projectEndpoint, or leave out the region",
                code: .projectEndpointRequired,
                at: chosen.place(of: "region") ?? chosen.place(of: "")
            )
        }
        if case .token(let token)? = auth?.credential, let address = engine(in: token) {
            return .address(address, .token)
        }
        throw ClientConfigurationError(
            "\(chosen.subject)engine is required but not configured",
            fix: "set RSTREAM_ENGINE, or give the context an engine or a projectEndpoint",
            code: .engineRequired,
            at: chosen.place(of: "")
        )
    }

    private static func explicit(
        _ overrides: ClientOverrides,
        _ variables: Variables
    ) throws(ClientConfigurationError) -> (address: EngineAddress, source: SettingSource)? {
        let found =
            overrides.engine.filled.map { ($0, SettingSource.override) }
            ?? variables.engine.map { ($0.text, SettingSource.variable($0.name)) }
        guard let (text, source) = found else { return nil }
        do throws(EngineAddress.Malformed) {
            return (try EngineAddress(text), source)
        } catch {
            throw ClientConfigurationError(
                "engine of \(source) \(error.description)",
                fix: "expected host or host:port",
                code: .invalidEngine
            )
        }
    }

    /// Nil where the project's own engine is wanted.
    private static func region(
        _ chosen: ContextResolution,
        _ overrides: ClientOverrides,
        _ variables: Variables
    ) throws(ClientConfigurationError) -> String? {
        let nearest = overrides.region.filled ?? variables.region
        guard let text = (nearest ?? chosen.context?.region)?.asciiLowercased, !text.sameBytes(as: "auto") else {
            return nil
        }
        guard Region.isValid(text) else {
            throw ClientConfigurationError(
                "invalid region \"\(text.shortened)\"",
                fix: "expected letters, digits and inner . _ -, like eu-west-3",
                code: .invalidRegion,
                at: nearest == nil ? chosen.place(of: "region") : nil
            )
        }
        return text
    }

    /// Stored credentials never go to another engine than the one they were stored for.
    private static func checkStored(
        _ auth: CredentialResolution,
        _ chosen: ContextResolution,
        goesTo address: EngineAddress
    ) throws(ClientConfigurationError) {
        if let own = chosen.context?.engine, (try? EngineAddress(own)) == address { return }
        switch auth.credential {
        case .token, .tokenFile, .tokenCredential:
            throw ClientConfigurationError(
                "refusing to use a stored token with an explicit engine override",
                fix: "set RSTREAM_AUTHENTICATION_TOKEN for the selected engine",
                code: .storedTokenEngineOverride
            )
        case .clientCertificate, .hardwareKey, .clientCertificatePEM:
            throw ClientConfigurationError(
                "refusing to use stored mTLS credentials with an explicit engine override",
                fix: "set RSTREAM_MTLS_CERT_FILE and RSTREAM_MTLS_KEY_FILE for the selected engine",
                code: .storedMTLSEngineOverride
            )
        case .none: break
        }
    }

    private static func project(
        _ endpoint: String,
        _ region: String?,
        _ chosen: ContextResolution,
        _ auth: CredentialResolution?,
        _ overrides: ClientOverrides,
        _ variables: Variables
    ) throws(ClientConfigurationErrors) -> ManagedProject {
        var mistakes: [ClientConfigurationError] = []
        // It becomes the first label of a host name.
        if !Hostname.isLabel(endpoint) {
            mistakes.append(
                ClientConfigurationError(
                    "\(chosen.subject)projectEndpoint \"\(endpoint.shortened)\" is not a DNS label",
                    fix: "expected the first part of the project's engine name, like 1a2b3c4d",
                    at: chosen.place(of: "projectEndpoint")
                )
            )
        }
        if let auth, !auth.isToken {
            mistakes.append(
                ClientConfigurationError(
                    "\(chosen.subject)a managed project requires a token, and none is configured",
                    fix: "give the context an engine, or use a token",
                    code: .authRequired,
                    at: chosen.place(of: "projectEndpoint")
                )
            )
        }
        do throws(ControlPlaneURL.Malformed) {
            _ = try ControlPlaneURL(chosen.apiURL)
        } catch {
            mistakes.append(
                ClientConfigurationError(
                    "\(chosen.subject)API URL \"\(chosen.apiURL.withoutUser.shortened)\" \(error.description)",
                    fix: "like \(ManagedProject.defaultAPIURL)",
                    at: chosen.place(of: "apiUrl")
                )
            )
        }
        let headers = headers(chosen, overrides, variables, &mistakes)
        if let errors = ClientConfigurationErrors(mistakes) { throw errors }
        return ManagedProject(apiURL: chosen.apiURL, endpoint: endpoint, region: region, headers: headers)
    }

    /// The entry's headers, then the variable's, then the program's: later ones win.
    private static func headers(
        _ chosen: ContextResolution,
        _ overrides: ClientOverrides,
        _ variables: Variables,
        _ mistakes: inout [ClientConfigurationError]
    ) -> [String: String] {
        var wrong: [SettingMistake] = []
        var headers = ControlPlaneHeaders.checked(chosen.environment?.headers ?? [:], mistakes: &wrong)
        mistakes += wrong.map { mistake in
            let place = chosen.environment?.places[mistake.key] ?? chosen.environment?.places["headers"]
            return ClientConfigurationError(mistake.what, fix: mistake.fix, code: mistake.code, at: place)
        }
        wrong = []
        if let json = variables.headers {
            let given = ControlPlaneHeaders.parse(json, mistakes: &wrong)
            headers.merge(ControlPlaneHeaders.checked(given, mistakes: &wrong)) { $1 }
        }
        mistakes += wrong.map { mistake in
            let what = "\(Variables.Name.headers.rawValue): \(mistake.what)"
            return ClientConfigurationError(what, fix: mistake.fix, code: mistake.code)
        }
        wrong = []
        headers.merge(ControlPlaneHeaders.checked(overrides.headers, mistakes: &wrong)) { $1 }
        mistakes += wrong.map { ClientConfigurationError($0.what, fix: $0.fix, code: $0.code) }
        return headers
    }

    /// A token may name the engine it was made for (CONFIG.md §11).
    private static func engine(in token: Secret) -> EngineAddress? {
        TokenClaims(of: token).engine.flatMap { try? EngineAddress($0) }
    }
}
#endif
