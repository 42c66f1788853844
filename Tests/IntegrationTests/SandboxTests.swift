// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamTestSupport
import Testing

extension Integration {
    /// All of these tests once more, as the service: the test run takes the place of the daemon in the installed unit, with
    /// its user, its sandbox and its system call filter, which every program that it starts inherits.
    @Suite(
        .enabled(if: DebianPackages.arePossible, "\(DebianPackages.needs)"),
        .timeLimit(.minutes(15))
    )
    struct SandboxTests {
        @Test("everything works in the unit's own sandbox", arguments: SystemdGuest.Debian.all)
        func everything(on debian: SystemdGuest.Debian) async throws {
            let python = try await Python.find()
            try await Pair.withFolder { folder in
                try folder.write(python.launcher, to: "python", mode: 0o755)
                let output = try await SystemdGuest.run(
                    Self.script,
                    in: folder,
                    debian: debian,
                    packages: try await DebianPackages.folder(),
                    places: [
                        "/opt/host": "/", "/opt/build": Binaries.buildFolder, "/opt/python": python.home,
                        "/opt/modules": python.modules, "/opt/swift": try Binaries.swiftLibraries(),
                    ],
                    within: .seconds(600)
                )
                let (passed, skipped) = (Self.texts("✔ Test", output), Self.texts("➜ Test", output))
                let failed = Self.texts("✘", output)
                #expect(failed.isEmpty, "\(output.filter { !$0.hasPrefix("◇") && !$0.hasPrefix("✔") }.suffix(100))")
                #expect(output.contains("result=success"), "\(output.suffix(20))")
                #expect(passed.contains { $0.contains("200 MiB up and down") }, "the tests have run")
                // What needs to be root, to make networks and guests, or no journal, which systemd 257 shows to the unit;
                // everything else may not be left out.
                let reasons = [
                    DebianPackages.needs, SystemdGuest.needs, NetworkCable.needs, LogTests.thereIsAJournal,
                    OwnershipTests.needs, CostTests.needs, ContainerSite.needs,
                ]
                for line in skipped { #expect(reasons.contains { line.contains("\"\($0)\"") }, "\(line)") }
                print("in the sandbox of \(debian): \(passed.count) tests passed, \(skipped.count) need root")
            }
        }

        private static func texts(_ prefix: String, _ output: [String]) -> [String] {
            output.filter { $0.hasPrefix(prefix) }
        }

        /// The tests need programs that this host has and a bare Debian has not. So the unit sees this host's files, below
        /// a layer that takes what the unit makes; what lies in a home, which the unit cannot see, is given other places.
        private static let script =
            DebianPackages.install + """
                mount -t tmpfs none /mnt
                mkdir /mnt/upper /mnt/work /mnt/root
                mount -t overlay -o lowerdir=/opt/host,upperdir=/mnt/upper,workdir=/mnt/work none /mnt/root
                mkdir /etc/systemd/system/rstreamd.service.d
                cat >/etc/systemd/system/rstreamd.service.d/tests.conf <<'UNIT'
                [Service]
                RootDirectory=/mnt/root
                MountAPIVFS=yes
                BindReadOnlyPaths=/opt/bin /opt/build /opt/files /opt/modules /opt/python /opt/source /opt/swift
                Environment=RSTREAM_SANDBOXED=1 RSTREAM_BIN=/opt/bin RSTREAM_SOURCE=/opt/source
                Environment=RSTREAM_JUDGE_PYTHON=/opt/files/python LD_LIBRARY_PATH=/opt/swift
                Type=oneshot
                ExecStart=
                ExecStart=/opt/build/rstreamdPackageTests.xctest --testing-library swift-testing \\
                    --filter Integration --filter EngineChecks
                WatchdogSec=0
                Restart=no
                TimeoutStartSec=540
                StandardOutput=file:/tmp/said
                StandardError=file:/tmp/said
                UNIT
                systemctl stop rstreamd
                systemctl daemon-reload
                systemctl start rstreamd 2>/dev/null || true
                cat /tmp/said
                echo "result=$(systemctl show -P Result rstreamd)"
                """
    }
}

/// The Python that judges run in, so that it can be moved.
private struct Python {
    /// Where it is installed.
    let home: String
    /// Where the modules are that were installed for the judges.
    let modules: String

    static func find() async throws -> Python {
        let question = "import sys, sysconfig; print(sys.base_prefix); print(sysconfig.get_path('purelib'))"
        let answer = try await ProcessHandle.run(try Binaries.python(), ["-c", question])
        guard answer.exit == .status(0), let home = answer.output.first, let modules = answer.output.last else {
            throw Broken("python does not work: \(answer.errors)")
        }
        return Python(home: home, modules: modules)
    }

    /// Starts it at `/opt/python`, with its modules at `/opt/modules`.
    let launcher = """
        #!/bin/sh
        export PYTHONHOME=/opt/python PYTHONPATH=/opt/modules LD_LIBRARY_PATH=/opt/python/lib
        exec /opt/python/bin/python3 "$@"
        """
}
