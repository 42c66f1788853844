// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamCore
internal import RstreamModel
internal import RstreamWire

extension RstreamError {
    /// The error of a direct connection to an engine.
    static func connection(to address: EngineAddress, _ error: any Error) -> RstreamError {
        connection(to: address, .direct, error)
    }

    /// The error of a connection to an engine, which names a proxy on the route. `isOpen` is true once the proxy
    /// relays, so that errors are the engine's.
    static func connection(
        to address: EngineAddress,
        _ route: EngineRoute,
        isOpen: Bool = false,
        _ error: any Error
    ) -> RstreamError {
        if let error = error as? RstreamError { return error }
        if error is CancellationError {
            return RstreamError(
                code: .clientClosed,
                origin: .host,
                retry: .never,
                what: "engine \(address): the attempt was cancelled"
            )
        }
        let (place, peer): (String, ConnectionPeer) =
            switch route {
            case .direct: ("engine \(address)", .engine)
            case .proxy(let hop): ("engine \(address) through \(hop)", isOpen ? .engine : .proxy)
            }
        if let failure = error as? ProxyFailure {
            return RstreamError(
                code: .engineUnreachable,
                origin: failure.origin,
                retry: .afterBackoff,
                what: "\(place): \(failure.what)",
                fix: failure.fix
            )
        }
        let (reason, fix) = peer.explain(error)
        return RstreamError(
            code: .engineUnreachable,
            origin: .host,
            retry: .afterBackoff,
            what: "\(place): \(reason)",
            fix: fix
        )
    }
}

extension RstreamError {
    /// The error for a message that is longer than the protocol allows.
    static func unsendable(_ error: FrameError) -> RstreamError {
        RstreamError(
            code: .frameTooLarge,
            origin: .configuration,
            retry: .afterReload,
            what: "a message to the engine does not fit in a frame: \(error)",
            fix: "configure a shorter token or name"
        )
    }
}

/// TCP, TLS and the proxy were not set up in time.
struct HandshakeTimeout: Error {
    let duration: Duration
}

/// This host no longer has the local address of the connection.
struct LocalAddressGone: Error {}
