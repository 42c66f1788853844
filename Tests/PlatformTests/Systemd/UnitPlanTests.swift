// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Systemd
import Testing

@Suite("What systemd plans with the unit")
struct UnitPlanTests {
    @Test("the next process takes over at a restart, if what the main process leaves behind lives on and can be found")
    func restart() {
        for sharesSockets in [false, true] {
            func departure(_ plan: UnitPlan) -> UnitPlan.Departure { plan.departure(sharesSockets: sharesSockets) }
            #expect(departure(UnitPlan(job: "restart", state: "deactivating")) == .takeOver)
            #expect(departure(UnitPlan(job: "stop", state: "deactivating")) == .stop)
            #expect(departure(UnitPlan(job: nil, state: "active")) == .stop, "somebody has sent the signal")
            #expect(departure(UnitPlan(job: "restart", state: "deactivating", leavesProcesses: false)) == .stop)
            #expect(departure(UnitPlan(job: "restart", state: "deactivating", keepsDescriptors: false)) == .stop)
        }
    }

    @Test("sockets that systemd makes wait again are the reason to stop, where it has opened any")
    func blocking() {
        let plan = UnitPlan(job: "restart", state: "deactivating", isNonBlocking: false)
        #expect(plan.departure(sharesSockets: false) == .takeOver)
        #expect(plan.departure(sharesSockets: true) == .stopForSockets)
        // Where it is no restart, or none that could be a take-over, that is not the reason.
        let stop = UnitPlan(job: "stop", state: "deactivating", isNonBlocking: false)
        let other = UnitPlan(job: "restart", state: "deactivating", leavesProcesses: false, isNonBlocking: false)
        for plan in [stop, other] { #expect(plan.departure(sharesSockets: true) == .stop) }
    }

    @Test("a process may be started by a job, by Restart=, and by whoever looks after a unit that has failed")
    func next() {
        #expect(UnitPlan(job: "restart", state: "deactivating").mayStart)
        #expect(UnitPlan(job: "start", state: "activating").mayStart)
        #expect(UnitPlan(job: nil, state: "activating").mayStart, "RestartSec= is passing")
        #expect(UnitPlan(job: nil, state: "failed").mayStart)
        #expect(!UnitPlan(job: nil, state: "inactive").mayStart)
        #expect(!UnitPlan(job: "stop", state: "deactivating").mayStart)
    }
}
