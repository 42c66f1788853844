// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import NIOPosix
package import Rstream
package import RstreamModel
internal import RstreamSocket

extension Upstream {
    /// Dials the upstream as a stream would and drops the connection.
    ///
    /// - Returns: Why the upstream could not be reached; nil when it could.
    package func probe(names: NameService = .host) async -> RstreamError? {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
        do {
            try await UpstreamDialer.dial(self, names: names, on: eventLoop).get().abort()
            return nil
        } catch {
            return error as? RstreamError ?? RstreamError.dial(of: self, failed: error)
        }
    }
}
