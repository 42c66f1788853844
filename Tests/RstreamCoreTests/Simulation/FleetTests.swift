// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import RstreamCore
import RstreamTestSupport
import Testing

/// The numbers here are those of docs/operations.md ("Many agents at one engine").
@Suite("ten thousand daemons that lose one engine")
struct FleetTests {
    /// What a reader of the documents sees in the plot.
    private static let tenMinutes = Fleet().arrivals(at: Fleet.gone(for: .seconds(600)))
    private static let plainTenMinutes = Fleet().plainArrivals(at: Fleet.gone(for: .seconds(600)))

    @Test("after ten minutes at most 750 come in one second, and all are back within 30 s")
    func gone() {
        let arrivals = Self.tenMinutes
        print("ten minutes: \(arrivals.most(from: 600)) a second, last at \(arrivals.lastBack)")
        #expect(arrivals.most(from: 600) <= 750)
        // Nor more while it is gone, once the first steps are over.
        #expect(arrivals.most(from: 60) <= 750)
        #expect(arrivals.lastBack <= .seconds(630))
        // Each daemon comes once when the engine is there.
        #expect(arrivals.perSecond.dropFirst(600).reduce(0, +) == 10_000)
    }

    @Test("with a plain exponential backoff they all come in one second")
    func plain() {
        #expect(Self.plainTenMinutes.most(from: 600) == 10_000)
    }

    @Test("after a second at most 6500 come in one second, with a minimum of 10 s at most 1200, and all are back soon")
    func blink() {
        let arrivals = Fleet().arrivals(at: Fleet.gone(for: .seconds(1)))
        print("a second: \(arrivals.most(from: 1)) a second, last at \(arrivals.lastBack)")
        #expect(arrivals.most(from: 1) <= 6_500)
        #expect(arrivals.lastBack <= .seconds(15))
        let patient = Fleet(policy: ReconnectPolicy(minimum: .seconds(10))).arrivals(at: Fleet.gone(for: .seconds(1)))
        print("a second, minimum 10 s: \(patient.most(from: 1)) a second, last at \(patient.lastBack)")
        #expect(patient.most(from: 1) <= 1_200)
        #expect(patient.lastBack <= .seconds(40))
    }

    @Test("an engine that dies before it grants a tunnel, again and again, gets no more than one that is gone")
    func flappingWithoutTunnels() {
        let engine = Fleet.flapping(every: .seconds(10), until: .seconds(300), serves: false)
        let arrivals = Fleet().arrivals(at: engine)
        print("flapping, no tunnels: \(arrivals.most(from: 100)) a second, last at \(arrivals.lastBack)")
        #expect(arrivals.most(from: 100) <= 1_000)
        #expect(arrivals.most(from: 300) <= 1_000)
        #expect(arrivals.lastBack <= .seconds(330))
    }

    @Test("an engine that serves for ten seconds and is gone for ten gets each daemon about once in any second")
    func flapping() {
        let engine = Fleet.flapping(every: .seconds(10), until: .seconds(120), serves: true)
        let arrivals = Fleet().arrivals(at: engine)
        print("flapping: \(arrivals.most(from: 10)) a second, last at \(arrivals.lastBack)")
        #expect(arrivals.most(from: 10) <= 12_000)
        #expect(arrivals.lastBack <= .seconds(150))
    }

    @Test("an engine that refuses every other attempt gets hardly more than one that takes all, and serves all")
    func refusing() {
        let arrivals = Fleet().arrivals(at: Fleet.refusingHalf(after: .seconds(1)))
        print("refusing half: \(arrivals.most(from: 1)) a second, last at \(arrivals.lastBack)")
        #expect(arrivals.most(from: 1) <= 6_500)
        #expect(arrivals.lastBack <= .seconds(300))
    }

    @Test("daemons that die again and again dial no more often than those that live, and never before their time")
    func crashLoop() {
        let length = Duration.seconds(600)
        let living = CrashLoop(death: .never, length: length).run()
        let dying = CrashLoop(death: .sometime(200...3_000), length: length).run()
        let forgetful = CrashLoop(size: 50, death: .sometime(200...3_000), keepsSchedule: false, length: length).run()
        print("crash loop: \(dying.arrivals.total); living: \(living.arrivals.total)")
        print("crash loop without a schedule: \(forgetful.arrivals.total)")
        #expect(living.early == 0 && dying.early == 0)
        // Random parts of the same steps: a few more or a few less.
        #expect(dying.arrivals.total <= living.arrivals.total * 21 / 20)
        // The test would see it.
        #expect(forgetful.arrivals.total * 10 > 4 * living.arrivals.total)
    }

    @Test("an answer that kills each daemon makes them dial no more often, and not in one second")
    func poison() {
        let length = Duration.seconds(600)
        let living = CrashLoop(size: 2_000, death: .never, length: length).run()
        let dying = CrashLoop(size: 2_000, death: .whileDialing, length: length).run()
        print("poison: \(dying.arrivals.total), \(dying.arrivals.most(from: 300)) a second")
        print("the same without it: \(living.arrivals.total)")
        #expect(dying.early == 0)
        #expect(dying.arrivals.total <= living.arrivals.total * 11 / 10)
        #expect(dying.arrivals.most(from: 300) <= 200)
    }

    @Test("the plot in the documents is of these fleets")
    func plot() throws {
        let plot = FleetPlot(
            size: 10_000,
            outage: 600,
            seconds: 660,
            daemons: Self.tenMinutes,
            plain: Self.plainTenMinutes
        )
        let path = Binaries.packageRoot + "/docs/fleet.svg"
        if Binaries.environment("RSTREAM_WRITE_PLOTS") != nil {
            try plot.text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        let drawn = try String(contentsOfFile: path, encoding: .utf8)
        #expect(drawn == plot.text, "RSTREAM_WRITE_PLOTS=1 swift test --filter FleetTests writes docs/fleet.svg anew")
    }
}
