// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import Testing

@Suite("What a process needs of its machine")
struct ProcessRequirementsTests {
    @Test("is there on a machine that runs tests")
    func enough() {
        #expect(ProcessRequirements(threads: 4, descriptors: 16).findMissing() == nil)
    }

    @Test("is missed by name and number when the descriptors are too few")
    func descriptors() {
        guard
            case .descriptors(let needed, let limit)? = ProcessRequirements(threads: 1, descriptors: .max).findMissing()
        else {
            Issue.record("nothing is missing")
            return
        }
        #expect(needed == .max && limit > 0)
    }

    @Test("each lack says in one line what is missing, how much, and what to do")
    func sentences() {
        let lacks: [(ProcessRequirements.Missing, [String])] = [
            (.threads(needed: 14, available: 3), ["3 threads", "needs 14", "TasksMax=", "ulimit -v"]),
            (.descriptors(needed: 48, limit: 10), ["10 files", "needs 48", "LimitNOFILE="]),
        ]
        for (lack, words) in lacks {
            for word in words { #expect("\(lack)".contains(word), "\(lack)") }
            #expect(!"\(lack)".contains("\n"))
        }
    }
}
