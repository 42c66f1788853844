internal import RstreamModel

/// Where the engine is (CONFIG.md §6), and whether the credential may go there (§5.1).
struct EngineChoice {
    let location: EngineLocation
    let source: SettingSource

    init(
        _ chosen: ContextChoice,
        auth: AuthChoice,
        overrides: ClientOverrides,
        variables: Variables
    ) throws(ClientConfigurationError) {
        let explicit = try Self.explicit(overrides, variables)
        let region = try Self.region(chosen, overrides, variables)
        if let explicit {
            guard region == nil else {
                throw ClientConfigurationError(
                    "region selection cannot be combined with an explicit engine override",
                    fix: "leave out the engine (\(explicit.source)), or the region",
                    code: .regionEngineConflict
                )
            }
            if auth.isStored { try Self.checkStored(auth, chosen, goesTo: explicit.address) }
            (location, source) = (.address(explicit.address), explicit.source)
        } else if region == nil, let text = chosen.context?.engine {
            let address: EngineAddress
            do throws(EngineAddress.Malformed) {
                address = try EngineAddress(text)
            } catch {
                throw ClientConfigurationError(
                    "\(chosen.subject)engine \(error.description)",
                    fix: "expected host or host:port",
                    code: .invalidEngine,
                    at: chosen.place(of: "engine")
                )
            }
            (location, source) = (.address(address), .context)
        } else if let endpoint = chosen.context?.projectEndpoint {
            let project = try Self.project(endpoint, region, chosen, auth, overrides, variables)
            (location, source) = (.project(project), .context)
        } else if region != nil {
            throw ClientConfigurationError(
                "\(chosen.subject)managed project endpoint is required for region selection",
                fix: "give the context a projectEndpoint, or leave out the region",
                code: .projectEndpointRequired,
                at: chosen.place(of: "region") ?? chosen.place(of: "")
            )
        } else if case .token(let token) = auth.credential, let address = Self.engine(in: token) {
            (location, source) = (.address(address), .token)
        } else {
            throw ClientConfigurationError(
                "\(chosen.subject)engine is required but not configured",
                fix: "set RSTREAM_ENGINE, or give the context an engine or a projectEndpoint",
                code: .engineRequired,
                at: chosen.place(of: "")
            )
        }
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
        _ chosen: ContextChoice,
        _ overrides: ClientOverrides,
        _ variables: Variables
    ) throws(ClientConfigurationError) -> String? {
        let nearest = overrides.region.filled ?? variables.region
        guard let text = (nearest ?? chosen.context?.region)?.lowercased(), text != "auto" else { return nil }
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
        _ auth: AuthChoice,
        _ chosen: ContextChoice,
        goesTo address: EngineAddress
    ) throws(ClientConfigurationError) {
        if let own = chosen.context?.engine, (try? EngineAddress(own)) == address { return }
        switch auth.credential {
        case .token:
            throw ClientConfigurationError(
                "refusing to use a stored token with an explicit engine override",
                fix: "set RSTREAM_AUTHENTICATION_TOKEN for the selected engine",
                code: .storedTokenEngineOverride
            )
        case .certificate, .certificateFiles:
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
        _ chosen: ContextChoice,
        _ auth: AuthChoice,
        _ overrides: ClientOverrides,
        _ variables: Variables
    ) throws(ClientConfigurationError) -> ManagedProject {
        // It becomes the first label of a host name.
        guard Hostname.isLabel(endpoint) else {
            throw ClientConfigurationError(
                "\(chosen.subject)projectEndpoint \"\(endpoint.shortened)\" is not one",
                fix: "expected the first part of the project's engine name, like 1a2b3c4d",
                at: chosen.place(of: "projectEndpoint")
            )
        }
        guard case .token = auth.credential else {
            throw ClientConfigurationError(
                "\(chosen.subject)a managed project is looked up with a token, and there is none",
                fix: "give the context an engine, or use a token",
                code: .authRequired,
                at: chosen.place(of: "projectEndpoint")
            )
        }
        do throws(ControlPlaneURL.Malformed) {
            _ = try ControlPlaneURL(chosen.apiURL)
        } catch {
            throw ClientConfigurationError(
                "\(chosen.subject)API URL \"\(chosen.apiURL.withoutUser.shortened)\" \(error.description)",
                fix: "like \(ManagedProject.defaultAPIURL)",
                at: chosen.place(of: "apiUrl")
            )
        }
        return ManagedProject(
            apiURL: chosen.apiURL,
            endpoint: endpoint,
            region: region,
            headers: try headers(chosen, overrides, variables)
        )
    }

    /// The entry's headers, then the variable's, then the program's: later ones win.
    private static func headers(
        _ chosen: ContextChoice,
        _ overrides: ClientOverrides,
        _ variables: Variables
    ) throws(ClientConfigurationError) -> [String: String] {
        var headers: [String: String] = [:]
        do throws(SettingMistake) {
            headers = try ControlPlaneHeaders.checked(chosen.environment?.headers ?? [:])
        } catch {
            let place = chosen.environment?.places[error.key] ?? chosen.environment?.places["headers"]
            throw ClientConfigurationError(error.what, fix: error.fix, code: error.code, at: place)
        }
        do throws(SettingMistake) {
            if let json = variables.headers {
                headers.merge(try ControlPlaneHeaders.checked(try ControlPlaneHeaders.parse(json))) { $1 }
            }
        } catch {
            throw ClientConfigurationError(
                "\(Variables.Name.headers.rawValue): \(error.what)",
                fix: error.fix,
                code: error.code
            )
        }
        do throws(SettingMistake) {
            headers.merge(try ControlPlaneHeaders.checked(overrides.headers)) { $1 }
        } catch {
            throw ClientConfigurationError(error.what, fix: error.fix, code: error.code)
        }
        return headers
    }

    /// A token may name the engine it was made for (CONFIG.md §11).
    private static func engine(in token: Secret) -> EngineAddress? {
        TokenClaims(of: token).engine.flatMap { try? EngineAddress($0) }
    }
}
