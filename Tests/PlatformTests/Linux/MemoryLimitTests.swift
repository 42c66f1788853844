// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Linux
import Testing

@Suite("The limit of memory")
struct MemoryLimitTests {
    @Test("is looked for in the process's group and those around it, of either version")
    func files() {
        #expect(MemoryLimit.files(for: "0::/\n") == ["/sys/fs/cgroup/memory.max"])
        #expect(
            MemoryLimit.files(for: "0::/system.slice/rstreamd.service\n") == [
                "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/system.slice/memory.max",
                "/sys/fs/cgroup/system.slice/rstreamd.service/memory.max",
            ]
        )
        let first = "12:cpu,cpuacct:/a\n9:memory:/docker/c0ffee\n1:name=systemd:/b\n"
        #expect(
            MemoryLimit.files(for: first) == [
                "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/docker/c0ffee/memory.limit_in_bytes",
            ]
        )
        for broken in ["", "0:", "0::relative", ":::", "9:memory"] { #expect(MemoryLimit.files(for: broken).isEmpty) }
    }

    @Test("of a process is that of its groups")
    func ofProcess() {
        #expect(MemoryLimit.limit(ofProcess: Int(getpid())) == MemoryLimit.current)
        #expect(MemoryLimit.limit(ofProcess: Int(pid_t.max)) == nil)
    }

    @Test("is a number of bytes, and everything else is none")
    func bytes() {
        #expect(MemoryLimit.bytes("67108864\n") == 64 << 20)
        for text in ["max\n", "9223372036854771712\n", "0", "-1", "", "64M", "99999999999999999999"] {
            #expect(MemoryLimit.bytes(text) == nil, "\(text)")
        }
    }

    @Test("allows streams with the most memory that they can use, and at least one")
    func streams() {
        #expect(MemoryBudget.streams(limit: 0) == 1)
        #expect((20...40).contains(MemoryBudget.streams(limit: 64 << 20)))
        #expect((150...180).contains(MemoryBudget.streams(limit: 256 << 20)))
        for limit in stride(from: 32 << 20, to: 4 << 30, by: 97 << 20) {
            // Some 1.1 MB for each of a hundred were measured.
            #expect(28_000_000 + MemoryBudget.streams(limit: limit) * 1_200_000 < max(limit, 29 << 20))
        }
    }

    @Test("leaves to requests of inspected tunnels what they may take")
    func requests() {
        for limit in [64 << 20, 256 << 20, 4 << 30] {
            let fewer = MemoryBudget.streams(limit: limit) - MemoryBudget.streams(limit: limit, requests: 24 << 20)
            #expect((19...20).contains(fewer), "24 MiB are the memory of 19.2 streams")
        }
        #expect(MemoryBudget.streams(limit: 32 << 20, requests: 24 << 20) == 1)
        let fixed = DescriptorBudget.Fixed(contexts: 1, listeners: 0)
        let budget = DescriptorBudget(limit: 65_536, fixed: fixed, wanted: 500, memory: 64 << 20, requests: 9 << 20)
        #expect(budget.streams == MemoryBudget.streams(limit: 64 << 20, requests: 9 << 20))
        #expect(budget.shortage?.what.contains("may have, less 9 MiB for inspect, are enough for ") == true)
        #expect(DescriptorBudget(limit: 65_536, fixed: fixed, wanted: 500, requests: 9 << 20).shortage == nil)
    }

    @Test("says so where requests of inspected tunnels take the memory of half of the streams")
    func fewStreams() {
        let fixed = DescriptorBudget.Fixed(contexts: 1, listeners: 0)
        func shortage(_ memory: Int, requests: Int, limit: Int = 65_536) -> DescriptorBudget.Shortage? {
            DescriptorBudget(limit: limit, fixed: fixed, memory: memory << 20, requests: requests << 20).shortage
        }
        #expect(shortage(64, requests: 0) == nil)
        #expect(shortage(64, requests: 9) == nil, "16 of 23 streams")
        #expect(shortage(256, requests: 24) == nil)
        #expect(shortage(64, requests: 24, limit: 64) == nil, "descriptors are the narrower limit")
        let few = MemoryBudget.streams(limit: 64 << 20, requests: 24 << 20)
        let what = shortage(64, requests: 24)?.what
        let start = "the 64 MiB of memory that the control group may have, less 24 MiB for inspect,"
        #expect(what?.hasPrefix(start) == true)
        #expect(what?.hasSuffix(" are enough for \(few) streams") == true)
        #expect(shortage(64, requests: 24)?.fix.hasPrefix("raise MemoryMax= of the service") == true)
    }

    @Test("bounds the streams, their configured number too, as descriptors do")
    func budget() {
        let fixed = DescriptorBudget.Fixed(contexts: 1, listeners: 0)
        let small = MemoryBudget.streams(limit: 64 << 20)
        #expect(DescriptorBudget(limit: 65_536, fixed: fixed, memory: 64 << 20).streams == small)
        #expect(DescriptorBudget(limit: 65_536, fixed: fixed, wanted: 500, memory: 64 << 20).streams == small)
        #expect(DescriptorBudget(limit: 65_536, fixed: fixed, wanted: 3, memory: 64 << 20).streams == 3)
        #expect(DescriptorBudget(limit: 65_536, fixed: fixed, wanted: 500).streams == 500)
        #expect(DescriptorBudget(limit: 65_536, fixed: fixed).streams > 30_000)
        let few = DescriptorBudget(limit: 128, fixed: fixed)
        #expect(DescriptorBudget(limit: 128, fixed: fixed, memory: 8 << 30) == few)
    }
}
