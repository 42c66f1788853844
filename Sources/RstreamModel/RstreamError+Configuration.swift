// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

extension RstreamError.Code {
    /// Valid configuration that this implementation does not support.
    public static let unsupportedConfig = Self(rawValue: "ERR_RSTREAM_UNSUPPORTED_CONFIG")
    /// No context has the wanted name.
    public static let contextNotFound = Self(rawValue: "ERR_RSTREAM_CONTEXT_NOT_FOUND")
    /// More than one context has the wanted name.
    public static let contextAmbiguous = Self(rawValue: "ERR_RSTREAM_CONTEXT_AMBIGUOUS")
    /// Nothing says where the engine is.
    public static let engineRequired = Self(rawValue: "ERR_RSTREAM_ENGINE_REQUIRED")
    /// The token has expired, by its own claims.
    public static let tokenExpired = Self(rawValue: "ERR_RSTREAM_TOKEN_EXPIRED")
    /// The client certificate has expired.
    public static let certificateExpired = Self(rawValue: "ERR_RSTREAM_CERTIFICATE_EXPIRED")
    /// A token that was stored for one engine would have been sent to another.
    public static let storedTokenEngineOverride = Self(rawValue: "ERR_RSTREAM_STORED_TOKEN_ENGINE_OVERRIDE")
    /// A client certificate that was stored for one engine would have been used with another.
    public static let storedMTLSEngineOverride = Self(rawValue: "ERR_RSTREAM_STORED_MTLS_ENGINE_OVERRIDE")
    /// Both a region and an engine's address are given.
    public static let regionEngineConflict = Self(rawValue: "ERR_RSTREAM_REGION_ENGINE_CONFLICT")
    /// A region is given without a project to look it up in.
    public static let projectEndpointRequired = Self(rawValue: "ERR_RSTREAM_PROJECT_ENDPOINT_REQUIRED")
    /// A text that cannot be the name of a region.
    public static let invalidRegion = Self(rawValue: "ERR_RSTREAM_INVALID_REGION")
    /// The project is not offered in the region.
    public static let regionUnavailable = Self(rawValue: "ERR_RSTREAM_REGION_UNAVAILABLE")
    /// The project is offered in the region more than once.
    public static let regionAmbiguous = Self(rawValue: "ERR_RSTREAM_REGION_AMBIGUOUS")
    /// The control plane could not be reached, rejected the request, or sent a response that cannot be read.
    public static let controlPlane = Self(rawValue: "ERR_RSTREAM_CONTROL_PLANE")
}
