// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin

// Words that this version does not know have no colour, and neither has one that is neither good nor bad.

extension SessionStatus.State {
    var tone: Tone {
        switch self {
        case .online: .good
        case .connecting, .waiting: .waiting
        case .rejected: .bad
        case .closed: .faint
        default: .plain
        }
    }
}

extension TunnelStatus.State {
    var tone: Tone {
        switch self {
        case .online: .good
        case .pending, .opening, .draining: .waiting
        case .rejected: .bad
        case .disabled, .closed: .faint
        default: .plain
        }
    }
}

extension UpstreamStatus.State {
    var tone: Tone {
        switch self {
        case .healthy: .good
        case .ejected: .waiting
        case .unhealthy: .bad
        default: .plain
        }
    }
}

extension ListenerStatus.State {
    var tone: Tone {
        switch self {
        case .listening: .good
        case .waiting: .waiting
        default: .plain
        }
    }
}

extension StreamStatus.State {
    var tone: Tone {
        switch self {
        case .relaying: .good
        case .opening, .holding, .draining: .waiting
        default: .plain
        }
    }
}

extension ReloadReply.Outcome {
    var tone: Tone {
        switch self {
        case .applied: .good
        case .refused: .bad
        default: .plain
        }
    }
}

extension DaemonFacts.State {
    var tone: Tone {
        switch self {
        case .running: .good
        case .reloading, .stopping: .waiting
        default: .plain
        }
    }
}
