// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamAdmin
import RstreamConfig
import Testing

@testable import RstreamDaemon

@Suite("What a host has for the daemon")
struct HostTests {
    private func limits(streams: Int, descriptors: Int, memory: Int? = nil) -> Finding {
        let configuration = DaemonConfiguration(limits: LimitSettings(streams: streams))
        let process = HostExamination.ProcessLimits(whose: "the unit", descriptors: descriptors, memory: memory)
        return HostExamination.limits(process, for: configuration)
    }

    @Test("is enough, or what there is too little of is named with the setting that raises it")
    func shortages() {
        for (streams, descriptors, memory) in [
            (0, 65_536, nil), (10_000, 65_536, nil), (200, 1_024, nil), (0, 65_536, 64 << 20), (20, 65_536, 64 << 20),
        ] as [(Int, Int, Int?)] {
            let finding = limits(streams: streams, descriptors: descriptors, memory: memory)
            #expect(finding.verdict == .ok && finding.fix == nil, "\(finding)")
            #expect(finding.detail.hasPrefix("the unit may open \(descriptors) descriptors"), "\(finding)")
            #expect(finding.detail.contains("64 MiB of memory") == (memory != nil), "\(finding)")
        }
        for (streams, descriptors, memory, what, fix) in [
            (60_000, 65_536, nil, "limits.streams is 60000, and 65536 file descriptors", "LimitNOFILE="),
            (1_000, 65_536, 64 << 20, "limits.streams is 1000, and the 64 MiB of memory", "MemoryMax="),
            (1_000, 256, 8 << 30, "limits.streams is 1000, and 256 file descriptors", "LimitNOFILE="),
            (0, 256, nil, "the unit may open 256 descriptors, room for ", "LimitNOFILE="),
        ] as [(Int, Int, Int?, String, String)] {
            let finding = limits(streams: streams, descriptors: descriptors, memory: memory)
            #expect(finding.check == "limits" && finding.verdict == .warn, "\(finding)")
            #expect(finding.detail.hasPrefix(what), "\(finding)")
            #expect(finding.fix?.contains(fix) == true, "\(finding)")
        }
        #expect(HostExamination.limits(nil, for: nil).verdict == .skip)
    }

    @Test("is that of the daemon that answers, or of the unit that would run it, or of the user")
    func whose() async throws {
        let unit = try #require(
            UnitState(show: "LoadState=loaded\nActiveState=inactive\nLimitNOFILE=4096\nMemoryMax=infinity\n")
        )
        let unlimited = try #require(UnitState(show: "LoadState=loaded\nActiveState=inactive\nLimitNOFILE=infinity\n"))
        for (daemon, whose) in [
            (.answers(process: Int(getpid())), "the daemon"), (.gone(unit: unit), "the unit may open 4096 descriptors"),
            (.gone(unit: unlimited), "this process"), (.gone(unit: nil), "this process"), (.unknown, "this process"),
        ] as [(DaemonPresence, String)] {
            var found: [Finding] = []
            await HostExamination(configuration: nil, daemon: daemon).run { found.append($0) }
            let limits = try #require(found.first { $0.check == "limits" })
            #expect(limits.detail.hasPrefix(whose), "\(limits)")
        }
        var found: [Finding] = []
        await HostExamination(configuration: nil, daemon: .answers(process: Int(pid_t.max))).run { found.append($0) }
        #expect(found.first { $0.check == "limits" }?.verdict == .skip)
    }
}
