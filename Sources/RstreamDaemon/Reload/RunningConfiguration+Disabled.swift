// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamModel

/// Tunnels that an operator has disabled or drained: until the next reload, or until they are enabled.
extension RunningConfiguration {
    /// The configuration to run for the files `loaded`: without the tunnels that stay disabled until they are enabled.
    func holding(_ loaded: DaemonConfiguration) -> DaemonConfiguration {
        Self.holding(loaded, dependencies.state.disabled.names)
    }

    static func holding(_ loaded: DaemonConfiguration, _ held: Set<String>) -> DaemonConfiguration {
        guard !held.isEmpty else { return loaded }
        var next = loaded
        for index in next.tunnels.indices where held.contains(next.tunnels[index].name) {
            next.tunnels[index].isEnabled = false
        }
        return next
    }

    /// A reload ends what lasts until then.
    mutating func restoreDisabled() {
        disabled = Dictionary(dependencies.state.disabled.names.map { ($0, .enabled) }) { first, _ in first }
    }

    /// A tunnel of this name is opened by hand: what an operator has closed under it before is gone.
    mutating func openedByHand(_ name: String) {
        disabled[name] = nil
        dependencies.state.disabled.set([name], isDisabled: false)
    }

    /// Notes an operator's change, and stores it if it is to last. Returns the tunnels that are concerned, and the
    /// configuration to run; `loaded` is that of the files.
    ///
    /// A change of all tunnels leaves those alone that the files disable, unless an operator has opened them.
    mutating func change(
        _ order: TunnelChangeOrder,
        _ loaded: DaemonConfiguration
    ) -> (tunnels: [String], configuration: DaemonConfiguration) {
        var next = configuration
        let enabled = wanted(loaded)
        var concerned: [String] = []
        for index in next.tunnels.indices {
            let name = next.tunnels[index].name
            if let tunnel = order.tunnel {
                guard name == tunnel else { continue }
            } else {
                guard disabled[name] != nil || (next.tunnels[index].isEnabled && order.change != .enable) else {
                    continue
                }
            }
            concerned.append(name)
            switch order.change {
            case .enable:
                next.tunnels[index].isEnabled = order.tunnel != nil || enabled.contains(name)
                disabled[name] = nil
            case .disable, .drain:
                next.tunnels[index].isEnabled = false
                // What lasts longer stays.
                disabled[name] = order.untilEnabled || disabled[name] == .enabled ? .enabled : .reload
            }
        }
        if order.change == .enable {
            dependencies.state.disabled.set(concerned, isDisabled: false)
        } else if order.untilEnabled {
            dependencies.state.disabled.set(concerned, isDisabled: true)
        }
        return (concerned, next)
    }

    /// The tunnels that are open unless an operator or the engine has closed them: those that the files enable, and those
    /// by hand.
    private func wanted(_ loaded: DaemonConfiguration) -> Set<String> {
        Set(
            loaded.tunnels.filter(\.isEnabled).map(\.name)
                + configuration.tunnels.filter { $0.byHand != nil }.map(\.name)
        )
    }

    /// What ends the state that an operator has given each tunnel that is not in that of the files, `loaded`.
    func ends(_ loaded: DaemonConfiguration) -> [String: TunnelStatus.DisabledUntil] {
        let enabled = wanted(loaded)
        let changed = configuration.tunnels.filter { $0.isEnabled != enabled.contains($0.name) }
        let untilReload = Dictionary(changed.map { ($0.name, TunnelStatus.DisabledUntil.reload) }) { first, _ in first }
        return untilReload.merging(disabled) { _, disabled in disabled }
    }
}
