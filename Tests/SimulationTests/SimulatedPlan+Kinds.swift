// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

extension SimulatedPlan.Event {
    /// What is counted as one kind.
    enum Kind: String, CaseIterable {
        case visit = "visitors"
        case dial = "programs at a listener"
        case blackHole = "black holes in one direction"
        case slowNetwork = "slow networks"
        case reset = "connections that are reset"
        case restartEngine = "engines that are gone for a while"
        case rejectSessions = "engines that reject sessions"
        case rejectTunnels = "engines that reject tunnels"
        case swallowRequests = "engines that answer no request"
        case answerLate = "engines that answer late"
        case repeatOffers = "engines that ask for each stream twice"
        case losePatience = "engines that close silent connections"
        case endTunnel = "tunnels that the engine ends"
        case closeChannel = "control channels that the engine closes"
        case upstream = "services that refuse or are silent"
        case suspend = "hosts that are suspended"
        case crash = "processes that are killed"
        case jump = "changes of the time of day"
        case networkChange = "changes of the network"
        case retry = "retries that an operator asks for"
        case changeFiles = "changes of credential files"
        case renew = "reconnects that an operator asks for"
        case edit = "edits of the configuration"
        case reload = "reloads"
        case upgrade = "upgrades"
        case restart = "restarts of the service"
        case stop = "stops of the service"
    }

    var kind: Kind {
        switch self {
        case .visit: .visit
        case .dial: .dial
        case .blackHole: .blackHole
        case .slowNetwork: .slowNetwork
        case .reset: .reset
        case .restartEngine: .restartEngine
        case .rejectSessions: .rejectSessions
        case .rejectTunnels: .rejectTunnels
        case .swallowRequests: .swallowRequests
        case .answerLate: .answerLate
        case .repeatOffers: .repeatOffers
        case .losePatience: .losePatience
        case .endTunnel: .endTunnel
        case .closeChannel: .closeChannel
        case .upstream: .upstream
        case .suspend: .suspend
        case .crash: .crash
        case .jump: .jump
        case .networkChange: .networkChange
        case .retry: .retry
        case .changeFiles: .changeFiles
        case .renew: .renew
        case .edit: .edit
        case .reload: .reload
        case .upgrade: .upgrade
        case .restart: .restart
        case .stop: .stop
        }
    }
}
