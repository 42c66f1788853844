// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux

/// Shows the daemon's answers on the terminal's alternate screen, again and again, until the user quits.
struct LiveView<Value: Sendable>: Sendable {
    /// Why it ended.
    enum End: Hashable, Sendable {
        /// `q` or Ctrl-C.
        case quit
        case signal(Int32)
    }

    private enum Input: Sendable {
        case answer(Result<Value, any Error>)
        case terminal(TerminalInput)
    }

    private let interval: Duration
    private let ask: @Sendable () async throws -> Value

    /// Asks with `ask`, with `interval` between an answer and the next question.
    init(every interval: Duration, ask: @escaping @Sendable () async throws -> Value) {
        self.interval = interval
        self.ask = ask
    }

    /// Draws what `view` makes of the last answer (nil before the first) and the size, at every answer and resize.
    ///
    /// Throws what `ask` throws. The terminal is restored however this ends.
    func show(
        on screen: Screen,
        paint: Paint,
        view: (Value?, TerminalSize) -> [Line]
    ) async throws -> End {
        let (inputs, received) = AsyncStream.makeStream(of: Input.self)
        screen.enter()
        defer { screen.leave() }
        let terminal = TerminalInputs { received.yield(.terminal($0)) }
        defer { terminal.cancel() }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { await answers { received.yield(.answer($0)) } }
            var last: Value?
            func draw() {
                let size = screen.size
                screen.draw(view(last, size).prefix(size.rows).map { $0.cut(to: size.columns).painted(paint) })
            }
            draw()
            for await input in inputs {
                switch input {
                case .answer(let answer): last = try answer.get()
                case .terminal(.resized): break
                case .terminal(.key(UInt8(ascii: "q"))), .terminal(.key(UInt8(ascii: "Q"))), .terminal(.interrupted):
                    return .quit
                case .terminal(.key): continue
                case .terminal(.suspended):
                    screen.leave()
                    stopUntilContinued()
                    screen.enter()
                case .terminal(.ended(let signal)): return .signal(signal)
                }
                draw()
            }
            return .quit
        }
    }

    private func answers(_ tell: (Result<Value, any Error>) -> Void) async {
        while !Task.isCancelled {
            do {
                tell(.success(try await ask()))
            } catch {
                return tell(.failure(error))
            }
            try? await Task.sleep(for: interval)
        }
    }
}
