extension RstreamError.Code {
    /// Configuration that is right and that this implementation does not offer.
    public static let unsupportedConfig = Self(rawValue: "ERR_RSTREAM_UNSUPPORTED_CONFIG")
    /// No context has the wanted name.
    public static let contextNotFound = Self(rawValue: "ERR_RSTREAM_CONTEXT_NOT_FOUND")
    /// More than one context has the wanted name.
    public static let contextAmbiguous = Self(rawValue: "ERR_RSTREAM_CONTEXT_AMBIGUOUS")
    /// Nothing says where the engine is.
    public static let engineRequired = Self(rawValue: "ERR_RSTREAM_ENGINE_REQUIRED")
    /// The token says itself that its time is over.
    public static let tokenExpired = Self(rawValue: "ERR_RSTREAM_TOKEN_EXPIRED")
    /// The client certificate says itself that its time is over.
    public static let certificateExpired = Self(rawValue: "ERR_RSTREAM_CERTIFICATE_EXPIRED")
    /// A token that was stored for one engine would have gone to another.
    public static let storedTokenEngineOverride = Self(rawValue: "ERR_RSTREAM_STORED_TOKEN_ENGINE_OVERRIDE")
    /// A client certificate that was stored for one engine would have gone to another.
    public static let storedMTLSEngineOverride = Self(rawValue: "ERR_RSTREAM_STORED_MTLS_ENGINE_OVERRIDE")
    /// A region and an engine's address together.
    public static let regionEngineConflict = Self(rawValue: "ERR_RSTREAM_REGION_ENGINE_CONFLICT")
    /// A region without a project to look it up in.
    public static let projectEndpointRequired = Self(rawValue: "ERR_RSTREAM_PROJECT_ENDPOINT_REQUIRED")
    /// A text that cannot be the name of a region.
    public static let invalidRegion = Self(rawValue: "ERR_RSTREAM_INVALID_REGION")
    /// The project is not offered in the region.
    public static let regionUnavailable = Self(rawValue: "ERR_RSTREAM_REGION_UNAVAILABLE")
    /// The project is offered in the region more than once.
    public static let regionAmbiguous = Self(rawValue: "ERR_RSTREAM_REGION_AMBIGUOUS")
    /// The control plane could not be reached, said no, or answered what nobody understands.
    public static let controlPlane = Self(rawValue: "ERR_RSTREAM_CONTROL_PLANE")
}
