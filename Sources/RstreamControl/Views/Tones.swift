package import RstreamAdmin

extension SessionStatus.State {
    package var tone: Tone {
        switch self {
        case .online: .good
        case .connecting, .waiting: .waiting
        case .rejected: .bad
        case .closed: .faint
        }
    }
}

extension TunnelStatus.State {
    package var tone: Tone {
        switch self {
        case .online: .good
        case .pending, .opening, .draining: .waiting
        case .rejected: .bad
        case .disabled, .closed: .faint
        }
    }
}

extension ListenerStatus.State {
    package var tone: Tone {
        switch self {
        case .listening: .good
        case .waiting: .waiting
        }
    }
}

extension StreamStatus.State {
    package var tone: Tone {
        switch self {
        case .relaying: .good
        case .opening, .holding, .draining: .waiting
        }
    }
}

extension ReloadReply.Outcome {
    package var tone: Tone {
        switch self {
        case .applied: .good
        case .unchanged: .plain
        case .refused: .bad
        }
    }
}

extension DaemonFacts.State {
    package var tone: Tone {
        switch self {
        case .running: .good
        case .reloading, .stopping: .waiting
        }
    }
}
