// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import GuardedJSON
internal import RstreamModel

/// The control plane's JSON document about a project (CONFIG.md §9), with only the fields that ``ControlPlane`` needs.
struct ProjectDocument: Decodable {
    private let domain: AddressText?
    private let enginePort: Int?
    private let url: AddressText?

    private struct Regions: Decodable {
        let regionalEndpoints: [RegionalEndpoint]?
    }

    private struct RegionalEndpoint: Decodable {
        let region: AddressText?
        let domain: AddressText?
        let enginePort: Int?
    }

    /// A name or an address in the document: visible ASCII, at most as long as the longest host with a port. Any other
    /// text makes the document unusable.
    private struct AddressText: Decodable {
        static let longest = 259

        /// Trimmed; may be empty.
        let text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            let raw = try container.decode(String.self)
            let text = raw.utf8.count <= Self.longest ? raw.trimmed : nil
            guard let text, text.isVisibleASCII else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a name or an address")
            }
            self.text = text
        }
    }

    /// Finds the engine of `project` in the document, in the project's region if it names one.
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
        // Decoded separately: without a region, mistakes in the list of regions do not matter.
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
                    "region \"\(region)\" of project \"\(project.endpoint)\" is ambiguous: \(matching.count) entries",
                fix: "choose another region, or give the engine's address"
            )
        }
        guard let domain = first.domain?.text, let address = address(project.endpoint, domain, first.enginePort) else {
            throw unusable(project)
        }
        return ResolvedEngine(address: address, project: own)
    }

    /// The address of the project's own engine.
    private func address(of project: ManagedProject) -> EngineAddress? {
        if let domain, !domain.text.isEmpty { return Self.address(project.endpoint, domain.text, enginePort) }
        return url.flatMap { try? EngineAddress($0.text) }
    }

    private static func address(_ endpoint: String, _ domain: String, _ port: Int?) -> EngineAddress? {
        try? EngineAddress("\(endpoint).\(domain):\(port ?? EngineAddress.defaultPort)")
    }

    private static func unavailable(
        _ region: String,
        in regions: [RegionalEndpoint],
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
                "control plane \(project.apiURL.withoutUser): project \"\(project.endpoint)\" has no engine address",
            fix: "check the API URL"
        )
    }
}

/// The engine that ``EngineResolver`` found.
struct ResolvedEngine: Hashable, Sendable {
    /// The address to dial.
    let address: EngineAddress
    /// The project's own engine, after which stable domains are named even if a regional engine is dialed (CONFIG.md
    /// §10); nil if the control plane does not name it.
    let project: EngineAddress?
}
