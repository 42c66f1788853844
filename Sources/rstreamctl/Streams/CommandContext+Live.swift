internal import Linux
internal import RstreamControl

extension CommandContext {
    /// Shows on the terminal's second screen what the daemon answers, until somebody has seen enough.
    func live<Value: Sendable>(
        every interval: Duration,
        ask: @escaping @Sendable () async throws -> Value,
        view: (Value?, TerminalSize) -> [Line]
    ) async throws -> ExitStatus {
        let live = LiveView(every: interval, ask: ask)
        switch try await live.show(on: Screen(), paint: console.paint, view: view) {
        case .quit: break
        case .signal(let number): die(by: number)
        }
        return .done
    }
}
