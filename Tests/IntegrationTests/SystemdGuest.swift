// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import RstreamTestSupport
import Testing

/// A throwaway Debian under a real systemd, in namespaces of its own: `Tests/Guests/boot` boots it and runs a script in it.
enum SystemdGuest {
    /// A Debian that is booted. Programs run on the Debian that they were compiled on and on later ones: where that is a
    /// later one than these, `$RSTREAM_GUEST_SUITES` names the Debians to boot.
    struct Debian: Sendable, CustomTestStringConvertible {
        let suite: String

        /// systemd 252 and 257, unless others are named.
        static let all = (Binaries.environment("RSTREAM_GUEST_SUITES") ?? "bookworm trixie")
            .split(separator: " ").map { Debian(suite: String($0)) }
        /// Where one is enough.
        static let usual = all.first ?? Debian(suite: "bookworm")

        var testDescription: String { suite }
    }

    /// The script failed.
    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    static let needs = "a systemd guest needs root, debootstrap and release binaries"

    private static let tool = Binaries.packageRoot + "/Tests/Guests/boot"

    /// Whether tests in a guest are run here.
    static var isPossible: Bool { Binaries.mustBeComplete || hasAll }

    /// Whether a guest can run here, with programs that need no Swift runtime.
    static var hasAll: Bool { getuid() == 0 && Binaries.areRelease && access("/usr/sbin/debootstrap", X_OK) == 0 }

    /// Whatever fails ends the script and says where.
    private static let strict = """
        set -Eeuo pipefail
        trap 'echo "failed: $BASH_COMMAND" >&2' ERR

        """

    /// Runs a bash script as the guest's root, and returns what it prints. It finds `rstreamd`, `rstreamctl` and
    /// `rstream-dev-engine` in `/opt/bin`, the files of `folder` in `/opt/files`, the repository in `/opt/source`, the
    /// Debian packages in `/opt/packages` if they are given, and at the keys of `places` what lies there on this host. All
    /// of it can only be read.
    static func run(
        _ script: String,
        in folder: ProcessFolder,
        debian: Debian = .usual,
        packages: String? = nil,
        places: [String: String] = [:],
        // The first guest of a machine is built from the network.
        within timeout: TimeAmount = .seconds(300)
    ) async throws -> [String] {
        guard hasAll else { throw Failed(description: needs) }
        try folder.write(Self.strict + script, to: "script")
        let binaries = try Binaries.path(of: "rstreamd").split(separator: "/").dropLast().joined(separator: "/")
        var places = places
        places["/opt/bin"] = "/\(binaries)"
        places["/opt/files"] = folder.path
        places["/opt/source"] = Binaries.packageRoot
        places["/opt/packages"] = packages
        let result = try await ProcessHandle.run(
            tool,
            places.flatMap { ["--bind", "\($0.value):\($0.key):ro"] } + ["--", "/bin/bash", "/opt/files/script"],
            environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "GUEST_SUITE": debian.suite],
            within: timeout
        )
        guard result.exit == .status(0) else {
            throw Failed(description: "\(result.exit): \((result.errors + result.output).suffix(30))")
        }
        return result.output
    }
}
