// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel

/// The services of a simulation: each takes connections, refuses them, or says nothing.
final class ModelUpstreams {
    enum Behaviour {
        case accepts
        case refuses
        case isSilent
    }

    private var behaviours: [UpstreamAddress: Behaviour] = [:]
    private unowned let world: SimulatedWorld

    init(_ world: SimulatedWorld) {
        self.world = world
    }

    /// All services of a host that is named after a tunnel's number, or one of them.
    func set(_ behaviour: Behaviour, service: Int, port: Int?) {
        for port in port.map({ [$0] }) ?? [80, 81, 82] {
            behaviours[.tcp(host: "service\(service)", service: "\(port)")] = behaviour
        }
    }

    func heal() { behaviours = [:] }

    /// Reports within the timeout whether the service has taken the connection.
    func dial(
        _ address: UpstreamAddress,
        within timeout: Duration,
        of process: SimulatedProcess,
        _ report: @escaping (RstreamError?) -> Void
    ) {
        let longest = timeout.milliseconds
        switch behaviours[address] ?? .accepts {
        case .accepts: process.enter(after: min(longest, Int.random(in: 1...20, using: &world.random))) { report(nil) }
        case .refuses:
            process.enter(after: min(longest, Int.random(in: 1...20, using: &world.random))) {
                report(Self.error("\(address) refused"))
            }
        case .isSilent: process.enter(after: longest) { report(Self.error("\(address) timed out")) }
        }
    }

    private static func error(_ what: String) -> RstreamError {
        RstreamError(code: .upstreamUnreachable, origin: .upstream, retry: .afterBackoff, what: what)
    }
}
