// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#if ConfigurationFiles
package import RstreamModel

/// The engine, the credential and the transport that a user's configuration results in.
///
/// The result is one checked value, or every mistake at once. Nothing is opened, dialed or logged. Files
/// that are named here (certificates) are read when the client connects.
package struct ResolvedClient: Hashable, Sendable {
    /// The chosen context; nil when none was.
    package let context: String?
    /// Where the engine is, or how it is found.
    package let engine: EngineLocation
    /// What is shown to the engine.
    package let credential: ConfiguredCredential
    /// How connections are made.
    package let transport: TransportOptions
    /// Where the engine's address comes from.
    package let engineSource: SettingSource
    /// Where the credential comes from.
    package let credentialSource: SettingSource

    /// Resolves a user's configuration; `environment` are the process's variables.
    package init(
        _ file: ClientFile,
        overrides: ClientOverrides = ClientOverrides(),
        environment: [String: String]
    ) throws(ClientConfigurationErrors) {
        let variables = Variables(environment)
        let chosen: ContextResolution
        do throws(ClientConfigurationError) {
            chosen = try ContextResolution(file, overrides: overrides, variables: variables)
        } catch {
            throw ClientConfigurationErrors(error)
        }
        let auth = Result { () throws(ClientConfigurationError) in
            try CredentialResolution(chosen, overrides: overrides, variables: variables)
        }
        let engine = Result { () throws(ClientConfigurationErrors) in
            try EngineResolution(chosen, auth: try? auth.get(), overrides: overrides, variables: variables)
        }
        var mistakes: [ClientConfigurationError] = []
        let transport = Self.transport(chosen, overrides: overrides, variables: variables, &mistakes)
        switch (auth, engine, ClientConfigurationErrors(mistakes)) {
        case (.success(let auth), .success(let engine), nil):
            context = chosen.name
            self.engine = engine.location
            engineSource = engine.source
            credential = auth.credential
            credentialSource = auth.source
            self.transport = transport
        case (.success, .success, let errors?): throw errors
        case (.success, .failure(let errors), _): throw errors.followed(by: mistakes)
        case (.failure(let error), .success, _): throw ClientConfigurationErrors(error, mistakes)
        case (.failure(let error), .failure(let errors), _):
            throw ClientConfigurationErrors(error, errors.all + mistakes)
        }
    }

    private static func transport(
        _ chosen: ContextResolution,
        overrides: ClientOverrides,
        variables: Variables,
        _ mistakes: inout [ClientConfigurationError]
    ) -> TransportOptions {
        var nearest = TransportFields()
        nearest.mode = overrides.mode.filled ?? variables.transportMode
        let stored = chosen.context?.transport ?? TransportFields()
        let fields = nearest.merged(over: stored.merged(over: chosen.environment?.transport ?? TransportFields()))
        var wrong: [SettingMistake] = []
        let options = fields.options(environment: variables.all, mistakes: &wrong)
        mistakes += wrong.map { mistake in
            ClientConfigurationError(
                chosen.subject + mistake.what,
                fix: mistake.fix,
                code: mistake.code,
                at: mistake.key == "mode" && nearest.mode != nil ? nil : chosen.place(of: "transport.\(mistake.key)")
            )
        }
        return options
    }
}

/// Where a setting comes from.
package enum SettingSource: Hashable, Sendable, CustomStringConvertible {
    /// The program itself.
    case override
    /// This variable.
    case variable(String)
    /// The context.
    case context
    /// The entry of `environments` for the context's control plane.
    case environment
    /// The token itself.
    case token
    /// Nothing sets it.
    case unset

    /// In words, to stand in a message.
    package var description: String {
        switch self {
        case .override: "the program"
        case .variable(let name): name
        case .context: "the context"
        case .environment: "the environment of the context's API URL"
        case .token: "the token"
        case .unset: "nothing"
        }
    }
}
#endif
