// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The programs whose configuration files become tunnel files: `--from` of `rstreamd import` and `rstreamctl import`.
package enum ImportedProgram: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case frp
    case ngrok
    case cloudflared
    /// The official command line tool: its client configuration, and files of `rstream run`.
    case rstream

    /// Its name, as it is written everywhere.
    package var description: String { rawValue }
}
