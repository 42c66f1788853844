// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Testing

@testable import Linux

@Suite("The user as whom files are checked")
struct CheckIdentityTests {
    private static let root = ProcessUser(user: 0, group: 0, groups: [])
    private static let operatorsUser = ProcessUser(user: 1_000, group: 1_000, groups: [27])
    private static let packaged = ProcessUser(user: 998, group: 998, groups: [4])
    private static let running = ProcessUser(user: 997, group: 997, groups: [7])

    @Test("are those of the daemon that runs, then of the unit's own user for the unit's own file, where root asks")
    func decision() {
        let cases:
            [(own: ProcessUser, isUnitsFile: Bool, running: ProcessUser?, packaged: ProcessUser?, ProcessUser?)] = [
                (Self.root, true, nil, Self.packaged, Self.packaged),
                (Self.root, true, Self.running, Self.packaged, Self.running),
                (Self.root, false, Self.running, Self.packaged, Self.running),
                // Which daemon it is for is not known, or this host has no such user.
                (Self.root, false, nil, Self.packaged, nil),
                (Self.root, true, nil, nil, nil),
                // A daemon of root's reads what root reads, whatever groups it is in.
                (Self.root, true, Self.root, Self.packaged, nil),
                (Self.root, true, ProcessUser(user: 0, group: 0, groups: [4]), nil, nil),
                // Nobody else can take another's place.
                (Self.operatorsUser, true, nil, Self.packaged, nil),
                (Self.operatorsUser, true, Self.running, Self.packaged, nil),
                (Self.packaged, true, Self.packaged, Self.packaged, nil),
            ]
        for (own, isUnitsFile, running, packaged, expected) in cases {
            let identity = CheckIdentity(of: own, isUnitsFile: isUnitsFile, running: running) { packaged }
            let wanted = expected.map { CheckIdentity.daemon($0) } ?? .own
            #expect(identity == wanted, "\(own.user) \(isUnitsFile) \(running?.user ?? 0) \(packaged?.user ?? 0)")
        }
    }

    @Test("are looked for only where root asks about the unit's own file and no daemon runs")
    func lookUps() {
        for (own, isUnitsFile, running) in [
            (Self.operatorsUser, true, nil), (Self.root, false, nil), (Self.root, true, Self.running),
        ] {
            let identity = CheckIdentity(of: own, isUnitsFile: isUnitsFile, running: running) {
                Issue.record("a look-up for nothing")
                return nil
            }
            #expect(identity == (running.map { .daemon($0) } ?? .own))
        }
        #expect(CheckIdentity.own.switchUser() == nil)
    }

    @Test("are told about, and what to do where root has to judge all the same")
    func words() {
        let taken = CheckIdentity.Switch(name: "rstream", failure: nil)
        #expect(taken.description == "files are checked as rstream, the daemon's user" && taken.fix == nil)
        let failed = CheckIdentity.Switch(name: "rstream", failure: SystemError("setgroups", EPERM))
        #expect(failed.description.hasPrefix("files are checked as root, not as rstream"))
        #expect(failed.description.hasSuffix("setgroups: Operation not permitted"))
        #expect(failed.fix?.contains("CAP_SETUID") == true && failed.fix?.contains("run this as rstream") == true)
    }
}
