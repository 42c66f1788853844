// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import RstreamTestSupport

/// The Debian packages of the release binaries, made once per run and only when a test asks for them.
enum DebianPackages {
    /// Packaging failed.
    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    static let needs = "Debian packages need debhelper, and \(SystemdGuest.needs)"

    /// Whether tests of packages are run here.
    static var arePossible: Bool { Binaries.mustBeComplete || hasAll }

    private static var hasAll: Bool { SystemdGuest.hasAll && access("/usr/bin/dh", X_OK) == 0 }

    /// Makes a guest's root install what is there.
    static let install = "dpkg -i /opt/packages/rstream*.deb >/dev/null\n"

    /// The folder that they are in.
    static func folder() async throws -> String { try await made.value }

    /// Every test that needs the packages waits for it.
    private static let made = Task {
        guard hasAll else { throw Failed(description: needs) }
        let folder = Binaries.packageRoot + "/.build-deb/tests"
        let binaries = try Binaries.path(of: "rstreamd").split(separator: "/").dropLast().joined(separator: "/")
        let result = try await ProcessHandle.run(
            Binaries.packageRoot + "/packaging/build-deb",
            ["/\(binaries)", folder],
            environment: [
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                // A minute less. What is inside is the same.
                "DEB_BUILD_OPTIONS": "noautodbgsym", "DPKG_DEB_COMPRESSOR_LEVEL": "0",
            ],
            within: .seconds(240)
        )
        guard result.exit == .status(0) else {
            throw Failed(description: "\(result.exit): \((result.errors + result.output).suffix(30))")
        }
        return folder
    }
}
