// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamTestSupport
import Testing

@Suite("a connection is asked for at a SOCKS5 proxy")
struct SOCKS5Tests {
    private static let user = Proxy.Credentials(username: "user", password: Secret("pass"))
    private static let success: [UInt8] = [5, 0, 0, 1, 192, 0, 2, 1, 0x04, 0x38]

    private func machine(
        _ target: String = "engine.example:443",
        _ credentials: Proxy.Credentials? = nil
    ) throws -> SOCKS5StateMachine {
        SOCKS5StateMachine(target: try EngineAddress(target), credentials: credentials)
    }

    /// A machine that waits for the reply to its request.
    private func requested(_ target: String = "engine.example:443") throws -> (SOCKS5StateMachine, ProxyAction) {
        var machine = try machine(target)
        _ = machine.connected()
        let action = machine.received([5, 0])
        return (machine, action)
    }

    @Test("user and password are offered only when there are any, and never insisted on")
    func greeting() throws {
        var nobody = try machine()
        #expect(nobody.connected() == .send([5, 1, 0]))
        var somebody = try machine("engine.example:443", Self.user)
        #expect(somebody.connected() == .send([5, 2, 0, 2]))
        #expect(somebody.connected() == .none)
    }

    @Test(
        "a name is sent as a name and a literal as an address",
        arguments: [
            ("a.example:443", [5, 1, 0, 3, 9] + Array("a.example".utf8) + [0x01, 0xBB]),
            ("192.0.2.1:8443", [5, 1, 0, 1, 192, 0, 2, 1, 0x20, 0xFB]),
            ("[2001:db8::1]:1", [5, 1, 0, 4, 0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]),
        ] as [(String, [UInt8])]
    )
    func request(target: String, bytes: [UInt8]) throws {
        #expect(try requested(target).1 == .send(bytes))
    }

    @Test("user and password are sent when the proxy asks for them", arguments: [1, 5] as [UInt8])
    func authentication(version: UInt8) throws {
        var machine = try machine("192.0.2.1:1", Self.user)
        _ = machine.connected()
        let credentials: [UInt8] = [1, 4] + Array("user".utf8) + [4] + Array("pass".utf8)
        #expect(machine.received([5, 2]) == .send(credentials))
        #expect(machine.received([version, 0]) == .send([5, 1, 0, 1, 192, 0, 2, 1, 0, 1]))
        #expect(machine.received(Self.success) == .open(rest: []))
    }

    @Test(
        "the reply may hold any type of address, and what stands behind it is the tunnel's",
        arguments: [
            success, [5, 0, 0, 4] + [UInt8](repeating: 1, count: 18), [5, 0, 0, 3, 3, 1, 2, 3, 0, 1],
            [5, 0, 0, 3, 0, 0, 1],
        ]
    )
    func reply(bytes: [UInt8]) throws {
        var (machine, _) = try requested()
        for byte in bytes.dropLast() { #expect(machine.received([byte]) == .none) }
        #expect(machine.received(bytes.suffix(1) + [22, 3]) == .open(rest: [22, 3]))
        #expect(machine.received([1]) == .none)
        var (whole, _) = try requested()
        #expect(whole.received(bytes) == .open(rest: []))
    }

    @Test("every reply code is explained", arguments: 1...9 as ClosedRange<UInt8>)
    func refused(code: UInt8) throws {
        var (machine, _) = try requested()
        // Two bytes are enough: some proxies send no more.
        #expect(machine.received([5, code]) == .fail(.reply(code)))
        #expect(!ProxyFailure.reply(code).what.isEmpty)
        #expect(ProxyFailure.reply(code).origin == ([4, 5, 6].contains(code) ? .engine : .host))
    }

    @Test("a proxy that wants other or no credentials is reported as such")
    func methods() throws {
        var nobody = try machine()
        _ = nobody.connected()
        #expect(nobody.received([5, 0xFF]) == .fail(.noMethod(sentCredentials: false)))
        var somebody = try machine("a:1", Self.user)
        _ = somebody.connected()
        #expect(somebody.received([5, 0xFF]) == .fail(.noMethod(sentCredentials: true)))
        var wrong = try machine("a:1", Self.user)
        _ = wrong.connected()
        _ = wrong.received([5, 2])
        #expect(wrong.received([1, 1]) == .fail(.credentialsRejected))
        #expect(ProxyFailure.credentialsRejected.origin == .configuration)
    }

    @Test(
        "what is no SOCKS5 proxy is noticed at once",
        arguments: [[4], [0x48, 0x54], [5, 1], [5, 2], [5, 7]] as [[UInt8]]
    )
    func malformed(answer: [UInt8]) throws {
        var machine = try machine()
        _ = machine.connected()
        #expect(machine.received(answer) == .fail(.malformed))
        #expect(machine.received([5, 0]) == .none)
    }

    @Test("a reply of another version, or with an unknown type of address, is none")
    func malformedReply() throws {
        var (first, _) = try requested()
        #expect(first.received([4]) == .fail(.malformed))
        var (second, _) = try requested()
        #expect(second.received([5, 0, 0, 2, 1]) == .fail(.malformed))
    }

    @Test("no bytes can harm it", arguments: 1...4 as ClosedRange<UInt64>)
    func noise(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for _ in 0..<2_000 {
            var machine = try machine("a:1", Bool.random(using: &random) ? Self.user : nil)
            _ = machine.connected()
            var isOver = false
            for _ in 0..<8 {
                let bytes = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                    Bool.random(using: &random) ? 5 : UInt8.random(in: 0...6, using: &random)
                }
                let action = machine.received(bytes)
                if isOver { #expect(action == .none) }
                switch action {
                case .open, .fail: isOver = true
                case .none, .send: break
                }
            }
        }
    }
}
