internal import Linux
internal import RstreamAdmin
internal import RstreamControl
internal import RstreamModel

extension CommandContext {
    /// Prints an answer: the daemon's own JSON, or the lines for people.
    func show<Value>(_ answer: DaemonCalls.Answer<Value>, _ lines: (Value) -> [Line]) throws {
        if isJSON {
            try console.write(document: answer.json)
        } else {
            try console.write(lines(answer.value))
        }
    }

    /// Has the daemon change a tunnel until the next reload, and says what becomes of its streams.
    func change(_ tunnel: String, _ change: Route.TunnelChange) async throws -> ExitStatus {
        let answer = try await calls.ask(.changeTunnel(tunnel, change), as: Accepted.self)
        try show(answer) { TunnelChangeView($0, change, now: .now).lines }
        return .done
    }

    /// Has the daemon do something that it answers with little more than yes, and says what was done.
    func order(_ route: Route, _ done: String) async throws -> ExitStatus {
        let json = try await calls.bytes(route)
        if isJSON {
            try console.write(document: json)
        } else {
            try console.write([Line(done)])
        }
        return .done
    }
}
