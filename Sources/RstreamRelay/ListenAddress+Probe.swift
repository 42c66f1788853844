// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import NIOCore
internal import NIOPosix
internal import Rstream
internal import RstreamDaemonModel
package import RstreamModel
internal import RstreamSocket

extension ListenAddress {
    /// Binds the address as a listener would and releases it at once, without listening.
    ///
    /// - Parameters:
    ///   - setting: The setting that names the address, for the error's remedy.
    ///   - name: The address as that setting has it, where the text differs.
    ///   - takesIPv4: Whether `[::]` also takes IPv4.
    /// - Returns: Why the address cannot be used; nil when it can.
    package func probe(
        for setting: String,
        called name: String? = nil,
        takesIPv4: Bool = false
    ) async -> RstreamError? {
        do {
            switch self {
            case .tcp(let host, let port):
                let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
                let addresses = try await NameService.host.addresses(
                    of: host,
                    within: DialListener.resolveTimeout,
                    on: eventLoop
                ).get()
                _ = try await ListeningSocket.bind(to: addresses, port: port) { address in
                    try ListeningSocket.tryAddress(address, takesIPv4: takesIPv4)
                } portOf: { _ in
                    nil
                } discard: { _ in
                }
            case .unix(let path):
                try await BlockingThreads.sockets.tryRun { () throws(SocketFile.Failure) in
                    try SocketFile.tryPath(path, mode: SocketRights().mode)
                }
            }
            return nil
        } catch {
            return .listening(on: self, called: name, failed: error, for: setting)
        }
    }
}
