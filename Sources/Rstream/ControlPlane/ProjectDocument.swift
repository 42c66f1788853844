internal import FoundationEssentials
internal import RstreamModel

/// A project as the control plane describes it (CONFIG.md §9). No more of it is required than what is asked for here.
struct ProjectDocument: Decodable {
    private let domain: String?
    private let enginePort: Int?
    private let url: String?

    private struct Regions: Decodable {
        let regionalEndpoints: [Regional]?
    }

    private struct Regional: Decodable {
        let region: String?
        let domain: String?
        let enginePort: Int?
    }

    /// The engine of `project` in a document.
    static func engine(of project: ManagedProject, in json: Data) throws(RstreamError) -> ResolvedEngine {
        guard let document = try? JSONDecoder().decode(Self.self, from: json) else { throw unusable(project) }
        let own = document.address(of: project)
        guard let region = project.region else {
            guard let own else { throw unusable(project) }
            return ResolvedEngine(address: own, project: own)
        }
        guard let regions = try? JSONDecoder().decode(Regions.self, from: json).regionalEndpoints ?? [] else {
            throw unusable(project)
        }
        let matching = regions.filter { $0.region?.lowercased() == region.lowercased() }
        guard let first = matching.first else { throw unavailable(region, in: regions, of: project) }
        guard matching.count == 1 else {
            throw RstreamError(
                code: .regionAmbiguous,
                origin: .engine,
                retry: .afterReload,
                what:
                    "region \"\(region)\" of project \"\(project.endpoint)\" is ambiguous: offered \(matching.count) times",
                fix: "choose another region, or give the engine's address"
            )
        }
        guard let domain = first.domain, let address = address(project.endpoint, domain, first.enginePort) else {
            throw unusable(project)
        }
        return ResolvedEngine(address: address, project: own)
    }

    /// The project's own engine.
    private func address(of project: ManagedProject) -> EngineAddress? {
        if let domain, !domain.trimmed.isEmpty { return Self.address(project.endpoint, domain, enginePort) }
        return url.flatMap { try? EngineAddress($0) }
    }

    private static func address(_ endpoint: String, _ domain: String, _ port: Int?) -> EngineAddress? {
        try? EngineAddress("\(endpoint).\(domain.trimmed):\(port ?? EngineAddress.defaultPort)")
    }

    private static func unavailable(
        _ region: String,
        in regions: [Regional],
        of project: ManagedProject
    ) -> RstreamError {
        let names = Set(regions.compactMap { $0.region?.lowercased() }).sorted().prefix(50)
        return RstreamError(
            code: .regionUnavailable,
            origin: .configuration,
            retry: .afterReload,
            what: "project \"\(project.endpoint)\" is not available in region \"\(region)\"",
            fix: names.isEmpty
                ? "it has no regions; leave the region out" : "available: \(names.joined(separator: ", "))"
        )
    }

    private static func unusable(_ project: ManagedProject) -> RstreamError {
        RstreamError(
            code: .controlPlane,
            origin: .engine,
            retry: .afterBackoff,
            what:
                "control plane \(project.apiURL.withoutUser): the description of project \"\(project.endpoint)\" says not where its engine is",
            fix: "check the API URL"
        )
    }
}

/// Where an engine turned out to be.
struct ResolvedEngine: Hashable, Sendable {
    /// What is dialed.
    let address: EngineAddress
    /// The project's own engine, which gives stable domains their name also where a regional one is dialed (CONFIG.md
    /// §10); nil when the control plane did not tell.
    let project: EngineAddress?
}
