internal import ArgumentParser
internal import Linux
internal import NIOPosix
internal import RstreamAdmin

/// What the shell may complete a word to: names that the daemon knows. Where nobody answers at once there are none.
enum Names {
    static let tunnels = completion(.tunnels, as: [TunnelStatus].self) { $0.map(\.name) }
    static let contexts = completion(.sessions, as: [SessionStatus].self) { $0.map(\.context) }
    static let streams = completion(.streams(tunnel: nil), as: [StreamStatus].self) { $0.map(\.id) }
    static let commands = CompletionKind.custom { _, _, _ in Rstreamctl.commandNames }

    private static func completion<Value: Decodable & Sendable>(
        _ route: Route,
        as type: Value.Type,
        _ names: @escaping @Sendable (Value) -> [String]
    ) -> CompletionKind {
        .custom { (words: [String], _: Int, _: String) async -> [String] in
            var patience = AdminClient.Patience()
            patience.answer = .seconds(1)
            // The line so far may name the socket.
            let named = words.firstIndex(of: "--socket").flatMap { words.dropFirst($0 + 1).first }
            let client = AdminClient(
                socket: GlobalOptions.socketPath(named),
                group: MultiThreadedEventLoopGroup(numberOfThreads: 1),
                patience: patience
            )
            return (try? await client.call(route, as: type)).map(names) ?? []
        }
    }
}
