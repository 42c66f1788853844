internal import Linux
internal import NIOCore
internal import NIOPosix
internal import Rstream
internal import RstreamDaemonModel
package import RstreamModel
internal import RstreamSocket

extension ListenAddress {
    /// Tries to have the address as a listener would, and lets it go: nobody can connect meanwhile. Why it cannot be had;
    /// nil when it can. `setting` is what asks for it, and has it as `name` where that is another text; `takesIPv4` says whether
    /// `[::]` is to take IPv4 as well.
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
                    within: DialListener.patience,
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
