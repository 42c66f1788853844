// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// Where the daemon and its client find each other and the configuration.
package enum DaemonPaths {
    /// The daemon's own file, unless its command line names another one; the packaged unit's.
    package static let configuration = "/etc/rstream/rstreamd.yaml"

    /// The admin socket of the system's daemon, unless its configuration names another one.
    package static let adminSocket = "/run/rstreamd/admin.sock"

    /// The admin socket of an ordinary user's own daemon; nil for root, and for a user without `$XDG_RUNTIME_DIR`.
    package static func usersAdminSocket(environment: [String: String], user: UInt32) -> String? {
        guard user != 0, let directory = environment["XDG_RUNTIME_DIR"], directory.startsWithBytes(of: "/") else {
            return nil
        }
        return directory + (directory.endsWithBytes(of: "/") ? "" : "/") + "rstreamd/admin.sock"
    }
}
