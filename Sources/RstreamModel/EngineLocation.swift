// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Where the engine is (CONFIG.md §6).
public enum EngineLocation: Hashable, Sendable, CustomStringConvertible {
    /// At a known address.
    case address(EngineAddress)
    /// The engine of a project, which the control plane is asked for at every connect.
    case project(ManagedProject)

    /// The address, or the project's endpoint.
    public var description: String {
        switch self {
        case .address(let address): address.description
        case .project(let project): "project \(project.endpoint)"
        }
    }
}

/// A project of a control plane, whose engine is looked up (CONFIG.md §9).
public struct ManagedProject: Hashable, Sendable {
    /// Base URL of the control plane, without a trailing slash.
    @Bytewise public var apiURL: String
    /// The project's endpoint, the first label of its engine's name.
    @Bytewise public var endpoint: String
    /// The region whose engine is wanted; nil for the project's own.
    @Bytewise public var region: String?
    /// Sent to the control plane only.
    @Bytewise public var headers: [String: String]

    /// The control plane of the managed service, and the project's own engine, unless given.
    public init(
        apiURL: String = Self.defaultAPIURL,
        endpoint: String,
        region: String? = nil,
        headers: [String: String] = [:]
    ) {
        self.apiURL = apiURL
        self.endpoint = endpoint
        self.region = region
        self.headers = headers
    }

    /// The managed service.
    public static let defaultAPIURL = "https://rstream.io"
}
