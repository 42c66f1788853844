// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Linux
import Testing

@Suite("A file that keeps a secret")
struct SecretModeTests {
    private func exposure(
        _ mode: UInt32,
        owner: UInt32 = 0,
        group: UInt32 = 7,
        readOnly: Bool = false
    ) -> PathStep.Exposure? {
        PathStep(.file, path: "/s", owner: owner, group: group, mode: mode).exposure(
            groups: [7, 8],
            isReadOnlyMount: readOnly
        )
    }

    @Test("is its owner's alone, or root's and readable by a group of this process")
    func modes() {
        for mode: UInt32 in [0o600, 0o400, 0o700, 0] {
            #expect(exposure(mode) == nil)
            #expect(exposure(mode, owner: 1_000, group: 9) == nil)
        }
        for mode: UInt32 in [0o640, 0o440] {
            #expect(exposure(mode) == nil)
            #expect(exposure(mode, group: 8) == nil)
            // A group that this process is not in, or one that its owner chose who is not root.
            #expect(exposure(mode, group: 9) == .others)
            #expect(exposure(mode, owner: 1_000) == .others)
        }
        // Others may read it, or the group may write to it or run it.
        for mode: UInt32 in [0o644, 0o444, 0o604, 0o660, 0o620, 0o650, 0o641, 0o642] {
            #expect(exposure(mode) == .others)
        }
    }

    @Test("and is open on a read-only mount is fixed where it is mounted")
    func mount() {
        #expect(exposure(0o644, readOnly: true) == .readOnlyMount)
        #expect(exposure(0o440, readOnly: true) == nil)
        let fix = exposure(0o644, readOnly: true)?.fix("/s", owner: 0, reader: reader)
        #expect(fix?.contains("defaultMode: 0400") == true)
    }

    private let reader = IntendedReader(user: 7, name: "rstream")

    @Test("is fixed so that its intended reader can still read it")
    func fixes() {
        #expect(exposure(0o644)?.fix("/s", owner: 7, reader: reader) == "chmod 600 /s")
        #expect(exposure(0o644)?.fix("/my files/s", owner: 7, reader: reader) == "chmod 600 '/my files/s'")
        // Of root's file nobody but root could read anything then.
        for owner: UInt32 in [0, 8] {
            let fix = exposure(0o644)?.fix("/s", owner: owner, reader: reader)
            #expect(fix?.contains("chown rstream /s && chmod 600 /s") == true)
            #expect(fix?.contains("LoadCredential=") == true)
        }
    }

    @Test("and that is the daemon's is not given to another process that checks")
    func bystanders() {
        let reader = IntendedReader(user: 8, name: "alice", isBystander: true)
        let (own, other) = ("/etc/rstream/token", "/home/alice/token")
        for fix in [
            reader.remedy(for: own, EACCES, isSecret: true), reader.remedy(for: own, EACCES, isSecret: false),
            reader.remedy(forConfiguration: own),
        ] {
            #expect(fix.contains("use sudo") && !fix.contains("alice"), "\(fix)")
        }
        #expect(reader.remedy(for: other, EACCES, isSecret: true).contains("chown alice \(other)"))
        #expect(reader.remedy(forConfiguration: other).contains("let alice read it"))
        let root = self.reader.remedy(forConfiguration: own)
        #expect(root.contains("chgrp rstream \(own) && chmod 640 \(own)"))
    }

    @Test("and that may not be read is given to who has to, or put where a service sees it")
    func remedies() {
        for code in [EACCES, EPERM] {
            let fix = reader.remedy(for: "/etc/rstream/token", code, isSecret: true)
            #expect(fix.contains("chown rstream /etc/rstream/token") && fix.contains("LoadCredential="))
        }
        #expect(reader.remedy(for: "/etc/ca.pem", EACCES, isSecret: false).contains("chmod a+r /etc/ca.pem"))
        #expect(reader.remedy(for: "/etc/token", ENOENT, isSecret: true).contains("check the path"))
        let service = IntendedReader(user: 7, name: "rstream", isService: true)
        for (path, folder) in [
            ("/tmp/t", "/tmp"), ("/var/tmp/t", "/var/tmp"), ("/home/a/t", "/home"), ("/root/t", "/root"),
        ] {
            for code in [ENOENT, EACCES] {
                let fix = service.remedy(for: path, code, isSecret: true)
                #expect(fix.contains("its own \(folder) ") && fix.contains("PrivateTmp="), "\(fix)")
                #expect(!reader.remedy(for: path, code, isSecret: true).contains("PrivateTmp="))
            }
        }
        #expect(!service.remedy(for: "/tmpfiles/t", ENOENT, isSecret: true).contains("PrivateTmp="))
    }
}
