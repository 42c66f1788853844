// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOPosix
import RstreamDaemonModel
import RstreamRelay
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("Checks of upstreams", .serialized, .timeLimit(.hang))
struct UpstreamChecksTests {
    private final class Told: UpstreamObserver {
        let effects = Observed<[UpstreamPoolStateMachine.Effect]>([])

        func upstreamsChanged(_ effect: UpstreamPoolStateMachine.Effect) { effects.change { $0.append(effect) } }
    }

    private static func upstream(_ port: Int, health: UpstreamHealthOptions?) -> Upstream {
        Upstream(
            address: .tcp(host: "127.0.0.1", service: "\(port)"),
            options: UpstreamOptions(health: health)
        )
    }

    @Test("find services that are gone, and that one is back; they end when they are stopped")
    func loops() async throws {
        try await TestServer.withDeadPort { dead in
            try await TestServer.with(.echo) { server in
                let told = Told()
                let pool = UpstreamPool(observer: told)
                let health = UpstreamHealthOptions(interval: .seconds(1), rise: 1, fall: 1)
                let upstreams = [Self.upstream(dead, health: health), Self.upstream(server.port, health: health)]
                pool.adopt(upstreams)
                let checks = try #require(
                    UpstreamChecks(
                        upstreams,
                        pool: pool,
                        slots: CheckSlots(1),
                        group: MultiThreadedEventLoopGroup.singleton
                    )
                )
                async let end: Void = checks.run()
                try await told.effects.wait(for: "an unhealthy upstream") { !$0.isEmpty }
                await server.stopListening()
                try await told.effects.wait(for: "no healthy upstream") { $0.contains(.servable(false)) }
                #expect(!pool.isServable && pool.unhealthy == Set(upstreams.map(\.address)))
                checks.stop()
                await end
                pool.rest()
                #expect(pool.isServable && pool.unhealthy.isEmpty)
            }
        }
    }

    @Test("are not made where no file asks for them")
    func none() {
        let checks = UpstreamChecks(
            [Self.upstream(1, health: nil)],
            pool: UpstreamPool(),
            slots: CheckSlots(),
            group: MultiThreadedEventLoopGroup.singleton
        )
        #expect(checks == nil)
    }

    @Test("run so many at once, and the others in the order in which they came")
    func slots() async throws {
        let slots = CheckSlots(2)
        let entered = Observed(0)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<5 {
                group.addTask {
                    await slots.enter()
                    entered.change { $0 += 1 }
                }
            }
            for count in 2...5 {
                _ = try? await entered.wait(for: "\(count) checks") { $0 >= count }
                #expect(entered.value == count)
                slots.leave()
            }
        }
        #expect(entered.value == 5)
    }
}
