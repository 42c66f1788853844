// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#if ConfigurationFiles
internal import RstreamModel
internal import YAML

/// Chooses the context, and the entry of `environments` that it inherits from (CONFIG.md §4).
struct ContextResolution {
    let name: String?
    let context: ClientFile.Entry?
    let environment: ClientFile.Entry?
    /// Base URL of the control plane.
    let apiURL: String

    init(
        _ file: ClientFile,
        overrides: ClientOverrides,
        variables: Variables
    ) throws(ClientConfigurationError) {
        let wanted = (overrides.apiURL.filled ?? variables.apiURL).map(ControlPlaneURL.normalized).filled
        name = overrides.context.filled ?? variables.context ?? file.defaultContext
        if let name {
            context = try Self.context(named: name, in: file, apiURL: wanted)
        } else {
            context = nil
        }
        apiURL = wanted ?? context?.apiURL ?? ManagedProject.defaultAPIURL
        if let context, context.apiURL == nil {
            // Unlinked: no entry stands behind it, whatever the URL is.
            environment = nil
        } else {
            let apiURL = apiURL
            environment = file.environments.first { $0.apiURL?.sameBytes(as: apiURL) == true }
        }
    }

    /// What messages about the chosen settings begin with.
    var subject: String { name.map { "context \"\($0.shortened)\": " } ?? "" }

    /// Where a key of the chosen entries stands.
    func place(of key: String) -> Span? { context?.places[key] ?? environment?.places[key] }

    private static func context(
        named name: String,
        in file: ClientFile,
        apiURL: String?
    ) throws(ClientConfigurationError) -> ClientFile.Entry {
        let candidates = file.contexts.filter { $0.name?.sameBytes(as: name) == true }
        let shown = "context \"\(name.shortened)\""
        guard let first = candidates.first else {
            let known = Set(file.contexts.compactMap { $0.name.map { ByteKey($0) } }).sorted()
            let names = known.prefix(20).map { "\"\($0.text.shortened)\"" } + (known.count > 20 ? ["…"] : [])
            throw ClientConfigurationError(
                "\(shown) not found",
                fix: names.isEmpty
                    ? "the client configuration has no contexts" : "known: \(names.joined(separator: ", "))",
                code: .contextNotFound
            )
        }
        guard let apiURL else {
            guard candidates.count == 1 else {
                throw ClientConfigurationError(
                    "\(shown) is ambiguous; specify --api-url or set RSTREAM_API_URL",
                    code: .contextAmbiguous,
                    at: candidates.last?.places["name"]
                )
            }
            return first
        }
        let shownURL = apiURL.withoutUser.shortened
        let linked = candidates.filter { $0.apiURL?.sameBytes(as: apiURL) == true }
        // An unlinked context belongs to no URL, so it is one for every URL.
        let matching = linked.isEmpty ? candidates.filter { $0.apiURL == nil } : linked
        switch (matching.count, candidates.count) {
        case (1, _): return matching[0]
        case (0, 1):
            throw ClientConfigurationError(
                "\(shown) belongs to API URL \"\((first.apiURL ?? "").withoutUser.shortened)\" (selected API URL \"\(shownURL)\")",
                code: .contextNotFound,
                at: first.places["apiUrl"]
            )
        case (0, _):
            throw ClientConfigurationError(
                "\(shown) not found for API URL \"\(shownURL)\"",
                code: .contextNotFound
            )
        default:
            throw ClientConfigurationError(
                "multiple contexts named \"\(name.shortened)\" exist for API URL \"\(shownURL)\"",
                code: .contextAmbiguous,
                at: matching.last?.places["name"]
            )
        }
    }
}
#endif
