// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Systemd
import Testing

@Suite("What systemd plans with the unit")
struct UnitPlanTests {
    @Test("a restart is one where what the main process leaves behind lives on, and can be found")
    func restart() {
        #expect(UnitPlan(job: "restart", state: "deactivating").isRestart)
        #expect(!UnitPlan(job: "stop", state: "deactivating").isRestart)
        #expect(!UnitPlan(job: nil, state: "active").isRestart, "somebody has sent the signal")
        #expect(!UnitPlan(job: "restart", state: "deactivating", leavesProcesses: false).isRestart)
        #expect(!UnitPlan(job: "restart", state: "deactivating", keepsDescriptors: false).isRestart)
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
