// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel

/// The answer of an HTTP proxy to CONNECT: the same however it arrives, with every byte behind its head for the tunnel,
/// and no error that repeats our credentials.
enum ConnectAnswers {
    private static let password = "hunter2-hunter2"

    static func check(_ bytes: [UInt8]) throws(Finding) {
        let ways = deliveries(of: bytes)
        let first = try read(ways[0])
        for way in ways.dropFirst() {
            let other = try read(way)
            try demand(other == first, "\(first) at once is \(other) in pieces of \(way.first?.count ?? 0)")
        }
        switch first {
        case .open(let rest): try demand(bytes.suffix(rest.count).elementsEqual(rest), "the rest is \(rest)")
        case .fail(let failure):
            let text = "\(failure.what) \(failure)"
            try demand(!Array(text.utf8).contains(Array(password.utf8)), "an error says the password: \(text)")
            try demand(failure.what.utf8.allSatisfy { (0x20...0x7E).contains($0) }, "an error says \(failure.what)")
        case .none, .send: break
        }
    }

    /// The last action; bytes behind the head that come later are the tunnel's as well.
    private static func read(_ pieces: [[UInt8]]) throws(Finding) -> ProxyAction {
        guard let target = try? EngineAddress("engine.example:443") else { throw Finding("the target is no address") }
        var machine = HTTPConnectStateMachine(
            target: target,
            headers: ["X-Key": password],
            credentials: Proxy.Credentials(username: "lea", password: Secret(password))
        )
        guard case .send = machine.connected() else { throw Finding("nothing is sent to the proxy") }
        var action = ProxyAction.none
        for piece in pieces {
            switch action {
            case .none: action = machine.received(piece)
            case .open(let rest):
                try demand(machine.received(piece) == .none, "something follows the end")
                action = .open(rest: rest + piece)
            case .fail: try demand(machine.received(piece) == .none, "something follows a failure")
            case .send: throw Finding("the request is sent twice")
            }
        }
        return action
    }
}
