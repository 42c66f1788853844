// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("Names and addresses at engines")
struct EngineAddressesTests {
    private let addresses = EngineAddresses()
    private let calls = Observed<[String]>([])

    private func wanted(_ name: String, port: Int? = nil) throws -> TunnelKey {
        addresses.wanted(
            TunnelDefinition(
                name: name,
                upstream: .tcp(host: "127.0.0.1", service: "9"),
                spec: TunnelSpec(name: name, protocol: .tcp, port: port),
                context: ContextDefinition(
                    name: "main",
                    engine: .address(try EngineAddress("engine.test")),
                    credential: .token(Secret("token"))
                )
            )
        )
    }

    private func call(_ text: String) -> @Sendable () -> Void {
        { [calls] in calls.change { $0.append(text) } }
    }

    @Test("a name is gone with the last of its tunnels, wherever that is, which is told once to each who waits")
    func gone() throws {
        let old = [try wanted("web", port: 9_000), try wanted("web", port: 9_001), try wanted("web")]
        let other = try wanted("other")
        for number in 1...2 { #expect(addresses.whenGone("web", call("gone \(number)"))) }
        addresses.gone(old[1])
        addresses.gone(other)
        addresses.gone(old[0])
        #expect(calls.value == [])
        addresses.gone(old[2])
        #expect(calls.value == ["gone 1", "gone 2"])
        // The next of that name has nobody who waits.
        addresses.gone(try wanted("web"))
        for key in old { addresses.gone(key) }
        #expect(calls.value.count == 2)
    }

    @Test("nobody waits for a name that no tunnel has, or not any more")
    func none() throws {
        #expect(!addresses.whenGone("web", call("gone")))
        addresses.gone(try wanted("web"))
        #expect(!addresses.whenGone("web", call("gone")))
        #expect(calls.value == [])
    }

    @Test("a tunnel that is added while another of its name leaves is waited for too")
    func replaced() throws {
        let old = try wanted("web")
        addresses.unwanted(old)
        #expect(addresses.whenGone("web", call("gone")))
        let new = try wanted("web")
        addresses.gone(old)
        #expect(calls.value == [])
        addresses.gone(new)
        #expect(calls.value == ["gone"])
    }

    @Test("tunnels are held while a predecessor has their name, and let go in the order in which they came")
    func held() throws {
        addresses.holdAll()
        let names = ["b", "a", "c", "b"]
        let keys = try names.map { try wanted($0) }
        for (number, key) in keys.enumerated() {
            #expect(!addresses.mayOpen(key, whenFree: call("\(names[number])\(number)")))
        }
        addresses.free(["b", "d"])
        #expect(calls.value == ["b0", "b3"])
        addresses.free(["b"])
        #expect(calls.value.count == 2)
        // One that comes later with a name that is free.
        let late = try wanted("d")
        #expect(addresses.mayOpen(late, whenFree: call("d")))
        addresses.gone(keys[2])
        addresses.freeAll()
        #expect(calls.value == ["b0", "b3", "a1"])
        for key in keys { #expect(addresses.mayOpen(key, whenFree: call("late"))) }
    }
}
