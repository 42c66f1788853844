// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import Logging
import NIOPosix
import Rstream
import RstreamAdmin
import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamSocket
import RstreamTestSupport
import Systemd
import Testing

@testable import RstreamDaemon

@Suite("The running configuration")
struct RunningConfigurationTests {
    private static func context(_ number: Int) throws -> ContextDefinition {
        // Nobody answers there.
        let engine = EngineLocation.address(try EngineAddress("127.0.0.1:\(number)"))
        return ContextDefinition(name: "c\(number)", engine: engine, credential: .none)
    }

    private static func configuration(_ contexts: Int) throws -> DaemonConfiguration {
        DaemonConfiguration(
            tunnels: try (1...contexts).map { number in
                TunnelDefinition(
                    name: "t\(number)",
                    upstream: .tcp(host: "127.0.0.1", service: "9"),
                    spec: TunnelSpec(name: "t\(number)", publish: false),
                    context: try context(number)
                )
            }
        )
    }

    private static func dependencies(_ folder: TemporaryFolder) -> RunningConfiguration.Dependencies {
        let log = LogCapture()
        return RunningConfiguration.Dependencies(
            streams: StreamTable(capacity: 10),
            state: StateDirectory(folder.path, logger: log.logger),
            statusStore: StatusStore(notifier: ServiceNotifier()),
            reserved: ReservedSockets(),
            group: MultiThreadedEventLoopGroup.singleton,
            logger: log.logger
        ) { configuration in
            configuration.limits
        } makeClient: { context, _ in
            RstreamClient(RstreamClientOptions(engine: context.engine, credential: .none), logger: log.logger)
        }
    }

    @Test("gives every session its current share of limits, also where only the number of contexts changes")
    func shares() async throws {
        try await TemporaryFolder.with { folder in
            let log = LogCapture()
            let made = Observed<[String: [Int]]>([:])
            let shares = DescriptorShares(limit: 1_024, atStart: 24)
            let parts = RunningConfiguration.Dependencies(
                streams: StreamTable(capacity: 10),
                state: StateDirectory(folder.path, logger: log.logger),
                statusStore: StatusStore(notifier: ServiceNotifier()),
                reserved: ReservedSockets(),
                group: MultiThreadedEventLoopGroup.singleton,
                logger: log.logger
            ) { configuration in
                var limits = configuration.limits
                limits.openingStreams = shares.budget(for: configuration).openingStreams
                return limits
            } makeClient: { context, limits in
                made.change { $0[context.name, default: []].append(limits.openingStreams) }
                return RstreamClient(
                    RstreamClientOptions(engine: context.engine, credential: .none),
                    logger: log.logger
                )
            }
            await withDiscardingTaskGroup { group in
                var running = RunningConfiguration(parts)
                for count in [1, 40, 1] {
                    guard let next = try? Self.configuration(count) else { continue }
                    _ = await running.carryOut(running.plans(next), of: next, in: &group)
                }
                for session in running.sessions { session.stop() }
                group.cancelAll()
            }
            let first = made.value["c1"] ?? []
            #expect(first.count == 3)
            #expect(first.first == first.last && first[1] < first[0], "\(first)")
        }
    }

    @Test("forgets the requests of an inspected tunnel that is removed, also where it has no streams")
    func inspection() async throws {
        try await TemporaryFolder.with { folder in
            let parts = Self.dependencies(folder)
            var two = try Self.configuration(2)
            two.tunnels[1].isInspected = true
            let (first, second) = (two, try Self.configuration(1))
            let states = await withDiscardingTaskGroup(returning: [Bool?].self) { group in
                var running = RunningConfiguration(parts)
                _ = await running.carryOut(running.plans(first), of: first, in: &group)
                let requests = running.ledger(.tunnel("t2")).requests
                let before = requests?.isOn
                _ = await running.carryOut(running.plans(second), of: second, in: &group)
                for session in running.sessions { session.stop() }
                group.cancelAll()
                return [before, requests?.isOn]
            }
            #expect(states == [true, false])
        }
    }

    @Test("names a context as it is called now in lines about new streams of tunnels and listeners")
    func renamedContext() async throws {
        try await TemporaryFolder.with { folder in
            let parts = Self.dependencies(folder)
            var first = try Self.configuration(1)
            first.listeners = [
                ListenerDefinition(
                    name: "l1",
                    listen: .tcp(host: "127.0.0.1", port: 0),
                    target: "t9",
                    context: try Self.context(1)
                )
            ]
            var second = first
            second.tunnels[0].context.name = "renamed"
            second.listeners[0].context.name = "renamed"
            let configurations = [first, second]
            let names = await withDiscardingTaskGroup(returning: [Logger.MetadataValue?].self) { group in
                var running = RunningConfiguration(parts)
                var names: [Logger.MetadataValue?] = []
                for next in configurations {
                    _ = await running.carryOut(running.plans(next), of: next, in: &group)
                    names.append(running.runningSessions.first?.acceptors["t1"]?.logger[metadataKey: "context"])
                    names.append(running.listeners["l1"]?.listener.logger[metadataKey: "context"])
                }
                for session in running.sessions { session.stop() }
                for listener in running.listening { await listener.stop() }
                group.cancelAll()
                return names
            }
            #expect(names == ["c1", "c1", "renamed", "renamed"])
        }
    }

    @Test("names what is too low for the configured number of streams")
    func complaint() throws {
        var configuration = try Self.configuration(1)
        func complaint(_ streams: Int, limit: Int = 65_536, memory: Int? = nil) -> String? {
            configuration.limits.streams = streams
            return DescriptorShares(limit: limit, atStart: 24, memory: memory).shortage(for: configuration)
        }
        #expect(complaint(0, limit: 256, memory: 64 << 20) == nil)
        #expect(complaint(1_000, memory: 4 << 30) == nil)
        #expect(complaint(20, memory: 64 << 20) == nil)
        let memory = try #require(complaint(1_000, memory: 64 << 20))
        #expect(memory.hasPrefix("limits.streams is 1000, and the 64 MiB of memory that the control group may have"))
        let files = try #require(complaint(1_000, limit: 256, memory: 4 << 30))
        #expect(files.hasPrefix("limits.streams is 1000, and 256 file descriptors are enough for "))
    }

    @Test("leaves less memory to streams where tunnels are inspected")
    func inspected() throws {
        let shares = DescriptorShares(limit: 65_536, atStart: 24, memory: 256 << 20)
        var configuration = try Self.configuration(20)
        let most = shares.budget(for: configuration).streams
        configuration.tunnels[0].isInspected = true
        let fewer = shares.budget(for: configuration).streams
        for index in configuration.tunnels.indices { configuration.tunnels[index].isInspected = true }
        let fewest = shares.budget(for: configuration).streams
        #expect((7...8).contains(most - fewer), "9 MiB are the memory of 7.2 streams")
        #expect((19...20).contains(most - fewest), "24 MiB are the memory of 19.2 streams")
        configuration.limits.streams = 1_000
        let process = HostExamination.ProcessLimits(whose: "the unit", descriptors: 65_536, memory: 256 << 20)
        let finding = HostExamination.limits(process, for: configuration)
        #expect(finding.detail == shares.shortage(for: configuration) && finding.detail.contains("24 MiB for inspect"))
    }

    @Test("counts only contexts in use")
    func unused() throws {
        let shares = DescriptorShares(limit: 1_024, atStart: 24)
        let few = try Self.configuration(1)
        var unused = few
        unused.contexts = try (1...40).map(Self.context)
        #expect(shares.budget(for: unused) == shares.budget(for: few))
        var listening = few
        listening.listeners = try (2...40).map { number in
            ListenerDefinition(
                name: "l\(number)",
                listen: .tcp(host: "127.0.0.1", port: 0),
                target: "x",
                context: try Self.context(number)
            )
        }
        #expect(shares.budget(for: listening).openingStreams < shares.budget(for: few).openingStreams)
        var atNames = listening
        for index in atNames.listeners.indices { atNames.listeners[index].listen = .tcp(host: "localhost", port: 0) }
        #expect(shares.budget(for: atNames).streams < shares.budget(for: listening).streams)
    }

    @Test("counts checks of upstreams, as many as run at once")
    func checks() throws {
        let shares = DescriptorShares(limit: 4_096, atStart: 24)
        func streams(checked count: Int) throws -> Int {
            var configuration = try Self.configuration(1)
            for index in configuration.tunnels.indices where count > 0 {
                configuration.tunnels[index].options.health = UpstreamHealthOptions()
                configuration.tunnels[index].targets = (0..<count).map { number in
                    UpstreamTarget(.tcp(host: "127.0.0.1", service: "\(9 + number)"))
                }
                // An operator may enable it at any moment.
                configuration.tunnels[index].isEnabled = false
            }
            return shares.budget(for: configuration).streams
        }
        let unchecked = try streams(checked: 0)
        #expect(try streams(checked: 1) == unchecked - 1)
        #expect(try streams(checked: 10) == unchecked - 10)
        #expect(try streams(checked: 100) == unchecked - 32)
    }
}
