// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The one error type that leaves a module.
///
/// `what` is the line for a person: what happened and where. `fix` says what to do about it. The other fields are
/// for machines and stay the same from release to release. A secret never enters any of them.
public struct RstreamError: Error, Hashable, Sendable {
    /// Which side has to change for the operation to succeed.
    public enum Origin: String, Hashable, Sendable {
        case engine
        case upstream
        case host
        case configuration
    }

    /// When trying the same thing again can help.
    public enum Retry: String, Hashable, Sendable {
        /// The cause may pass by itself: try again after a backoff.
        case afterBackoff
        /// Something has to change first: try again slowly, or at once after a reload.
        case afterReload
        /// The caller ended the operation itself, or asked for something that is not available.
        case never
    }

    /// Stable name of the kind of error, the official SDKs' where one exists.
    public let code: Code
    /// Which side has to change.
    public let origin: Origin
    /// When trying again can help.
    public let retry: Retry
    /// What happened, where, in one line.
    public let what: String
    /// What to do about it, if there is something to do.
    public let fix: String?
    /// The engine's own number, when the engine rejected the request (PROTOCOL.md §14).
    public let engineCode: EngineErrorCode?

    /// Makes an error. Its origin and retry are decided here, where it occurs.
    public init(
        code: Code,
        origin: Origin,
        retry: Retry,
        what: String,
        fix: String? = nil,
        engineCode: EngineErrorCode? = nil
    ) {
        self.code = code
        self.origin = origin
        self.retry = retry
        self.what = what
        self.fix = fix
        self.engineCode = engineCode
    }
}

extension RstreamError: CustomStringConvertible {
    /// `what`, followed by `fix` when there is one.
    public var description: String {
        guard let fix else { return what }
        return "\(what) (\(fix))"
    }
}

extension RstreamError {
    /// The stable name of a kind of error; compare it instead of matching text.
    public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The name as logs and APIs print it: `ERR_RSTREAM_…`.
        public let rawValue: String

        /// Takes any name, so that codes of a newer release still pass through.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The name itself.
        public var description: String { rawValue }

        /// The engine answered with an error of its own.
        public static let engine = Self(rawValue: "ERR_RSTREAM_ENGINE")
        /// The engine sent bytes that the protocol does not allow.
        public static let protocolViolation = Self(rawValue: "ERR_RSTREAM_PROTOCOL")
        /// A frame longer than the protocol allows, in either direction.
        public static let frameTooLarge = Self(rawValue: "ERR_RSTREAM_FRAME_TOO_LARGE")
        /// The engine was silent for longer than the negotiated timeout.
        public static let controlLiveness = Self(rawValue: "ERR_RSTREAM_CONTROL_LIVENESS")
        /// The control channel has ended.
        public static let controlClosed = Self(rawValue: "ERR_RSTREAM_CONTROL_CLOSED")
        /// The tunnel has ended.
        public static let tunnelClosed = Self(rawValue: "ERR_RSTREAM_TUNNEL_CLOSED")
        /// The client was closed by its owner.
        public static let clientClosed = Self(rawValue: "ERR_RSTREAM_CLIENT_CLOSED")
        /// An answer did not come in time.
        public static let operationTimeout = Self(rawValue: "ERR_RSTREAM_OPERATION_TIMEOUT")
        /// The engine could not be reached: name resolution, TCP or TLS.
        public static let engineUnreachable = Self(rawValue: "ERR_RSTREAM_ENGINE_UNREACHABLE")
        /// An engine address that cannot be one.
        public static let invalidEngine = Self(rawValue: "ERR_RSTREAM_INVALID_ENGINE")
        /// Tunnel properties that contradict each other or the protocol (PROTOCOL.md §5.2).
        public static let invalidTunnel = Self(rawValue: "ERR_RSTREAM_INVALID_TUNNEL")
        /// Tunnel properties that this implementation does not offer.
        public static let unsupportedTunnel = Self(rawValue: "ERR_RSTREAM_UNSUPPORTED_TUNNEL")
        /// A transport that this implementation does not offer.
        public static let unsupportedTransport = Self(rawValue: "ERR_RSTREAM_UNSUPPORTED_TRANSPORT")
        /// Configuration that cannot be right.
        public static let invalidConfig = Self(rawValue: "ERR_RSTREAM_INVALID_CONFIG")
        /// Only one half of a client certificate pair.
        public static let mtlsIncomplete = Self(rawValue: "ERR_RSTREAM_MTLS_INCOMPLETE")
        /// A credential is required and none is configured.
        public static let authRequired = Self(rawValue: "ERR_RSTREAM_AUTH_REQUIRED")
        /// Token and client certificate together.
        public static let authConflict = Self(rawValue: "ERR_RSTREAM_AUTH_CONFLICT")
        /// The local service refused the connection, is missing, or did not answer.
        public static let upstreamUnreachable = Self(rawValue: "ERR_RSTREAM_UPSTREAM_UNREACHABLE")
        /// A local address or socket could not be listened on.
        public static let listenerUnavailable = Self(rawValue: "ERR_RSTREAM_LISTENER_UNAVAILABLE")
        /// A stream was closed, reset or refused before it was served.
        public static let streamClosed = Self(rawValue: "ERR_RSTREAM_STREAM_CLOSED")
        /// A limit of this process was reached.
        public static let overload = Self(rawValue: "ERR_RSTREAM_CONTROL_OVERLOAD")
    }
}
