// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

public import RstreamModel

extension RstreamClient {
    /// Opens a control channel, runs `body` with it, and closes it in order whatever `body` does.
    ///
    /// - Parameter body: Works with the channel. It is not cancelled when the channel is lost; the calls that it makes
    ///   fail then.
    /// - Returns: What `body` returned, once the channel has ended. The engine has
    ///   ``RstreamClientOptions/Timeouts/close`` (5 s unless given) to answer, also when the task is cancelled.
    /// - Throws: What ``connect()`` and `body` throw.
    public func withControlChannel<Value: Sendable>(
        _ body: (_ control: RstreamControlChannel) async throws -> Value
    ) async throws -> Value {
        let control = try await connect()
        return try await closing {
            await control.close()
        } after: {
            try await body(control)
        }
    }
}

extension RstreamControlChannel {
    /// Opens a tunnel, runs `body` with it, and closes it in order whatever `body` does.
    ///
    /// - Parameters:
    ///   - spec: The tunnel to open.
    ///   - body: Serves the tunnel, mostly with ``RstreamTunnel/serve(maxConcurrentStreams:_:)``.
    /// - Returns: What `body` returned, once the tunnel has ended. The engine has
    ///   ``RstreamClientOptions/Timeouts/close`` (5 s unless given) to answer, also when the task is cancelled.
    /// - Throws: What ``createTunnel(_:)`` and `body` throw.
    public func withTunnel<Value: Sendable>(
        _ spec: TunnelSpec,
        _ body: (_ tunnel: RstreamTunnel) async throws -> Value
    ) async throws -> Value {
        let tunnel = try await createTunnel(spec)
        return try await closing {
            await tunnel.close()
        } after: {
            try await body(tunnel)
        }
    }
}

/// Runs `body` and then `close`, which the caller's cancellation does not cut short.
private func closing<Value: Sendable>(
    _ close: @escaping @Sendable () async -> Void,
    after body: () async throws -> Value
) async throws -> Value {
    let result: Result<Value, any Error>
    do {
        result = .success(try await body())
    } catch {
        result = .failure(error)
    }
    // Waited for here. A child task would be cancelled with the caller and not wait for the engine's answer.
    await Task { await close() }.value
    return try result.get()
}
