// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel

/// The answers of a SOCKS5 proxy, which come in pieces whose lengths the input chooses: each of our messages is sent once,
/// and every byte behind the last answer is for the tunnel.
enum SOCKSAnswers {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        var choices = Choices(bytes)
        guard let target = try? EngineAddress(choices.bool() ? "engine.example:443" : "[2001:db8::1]:443") else {
            throw Finding("the target is no address")
        }
        let credentials = choices.bool() ? Proxy.Credentials(username: "lea", password: Secret("hunter2")) : nil
        var machine = SOCKS5StateMachine(target: target, credentials: credentials)
        guard case .send = machine.connected() else { throw Finding("nothing is sent to the proxy") }
        var (sent, received, isOver) = (1, [UInt8](), false)
        while !choices.isOver {
            let piece = choices.take(1 + choices.number(below: 24))
            received += piece
            switch machine.received(piece) {
            case .none: break
            case .send(let message):
                sent += 1
                try demand(!isOver && sent <= (credentials == nil ? 2 : 3), "message \(sent) is \(message)")
            case .open(let rest):
                try demand(!isOver, "it opens behind the end")
                try demand(sent >= 2 && received.suffix(rest.count).elementsEqual(rest), "the rest is \(rest)")
                isOver = true
            case .fail(let failure):
                try demand(!isOver && !failure.what.isEmpty, "\(failure) follows the end")
                isOver = true
            }
        }
    }
}
