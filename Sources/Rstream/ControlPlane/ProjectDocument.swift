internal import GuardedJSON
internal import RstreamModel

/// A project as the control plane describes it (CONFIG.md §9). Only the fields that are used here are required.
struct ProjectDocument: Decodable {
    private let domain: Told?
    private let enginePort: Int?
    private let url: Told?

    private struct Regions: Decodable {
        let regionalEndpoints: [Regional]?
    }

    private struct Regional: Decodable {
        let region: Told?
        let domain: Told?
        let enginePort: Int?
    }

    /// A name or an address from the control plane: visible ASCII, no longer than the longest host with a port.
    /// A document with anything else is refused.
    private struct Told: Decodable {
        static let longest = 259

        /// Without white space at either end; may be empty.
        let text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            let told = try container.decode(String.self)
            let text = told.utf8.count <= Self.longest ? told.trimmed : nil
            guard let text, text.isVisibleASCII else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "no name and no address")
            }
            self.text = text
        }
    }

    /// The engine of `project` in a document.
    static func engine(
        of project: ManagedProject,
        in json: some Collection<UInt8>
    ) throws(RstreamError) -> ResolvedEngine {
        let limit = ExchangeHandler.longest
        guard let document = try? GuardedJSON.decode(Self.self, from: json, limit: limit) else {
            throw unusable(project)
        }
        let own = document.address(of: project)
        guard let region = project.region else {
            guard let own else { throw unusable(project) }
            return ResolvedEngine(address: own, project: own)
        }
        // Separately: without a wanted region, mistakes in regions do not matter.
        guard let regions = try? GuardedJSON.decode(Regions.self, from: json, limit: limit).regionalEndpoints ?? []
        else {
            throw unusable(project)
        }
        let wanted = region.asciiLowercased
        let matching = regions.filter { $0.region?.text.asciiLowercased.sameBytes(as: wanted) == true }
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
        guard let domain = first.domain?.text, let address = address(project.endpoint, domain, first.enginePort) else {
            throw unusable(project)
        }
        return ResolvedEngine(address: address, project: own)
    }

    /// The project's own engine.
    private func address(of project: ManagedProject) -> EngineAddress? {
        if let domain, !domain.text.isEmpty { return Self.address(project.endpoint, domain.text, enginePort) }
        return url.flatMap { try? EngineAddress($0.text) }
    }

    private static func address(_ endpoint: String, _ domain: String, _ port: Int?) -> EngineAddress? {
        try? EngineAddress("\(endpoint).\(domain):\(port ?? EngineAddress.defaultPort)")
    }

    private static func unavailable(
        _ region: String,
        in regions: [Regional],
        of project: ManagedProject
    ) -> RstreamError {
        let names = Set(regions.compactMap { $0.region?.text.asciiLowercased }).sorted().prefix(20)
        return RstreamError(
            code: .regionUnavailable,
            origin: .configuration,
            retry: .afterReload,
            what: "project \"\(project.endpoint)\" is not available in region \"\(region)\"",
            fix: names.isEmpty
                ? "it has no regions; leave the region out"
                : "available: \(names.joined(separator: ", ").cut(toBytes: 512))"
        )
    }

    private static func unusable(_ project: ManagedProject) -> RstreamError {
        RstreamError(
            code: .controlPlane,
            origin: .engine,
            retry: .afterBackoff,
            what:
                "control plane \(project.apiURL.withoutUser): the description of project \"\(project.endpoint)\" does not name its engine",
            fix: "check the API URL"
        )
    }
}

/// The address of an engine, as it was resolved.
struct ResolvedEngine: Hashable, Sendable {
    /// The address to dial.
    let address: EngineAddress
    /// The project's own engine, after which stable domains are named even when a regional one is dialed (CONFIG.md
    /// §10); nil when the control plane does not name it.
    let project: EngineAddress?
}
