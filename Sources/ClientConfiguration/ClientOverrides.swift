// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// What a program says itself, which wins over variables and files (CONFIG.md §1). Blank texts count as not set.
package struct ClientOverrides: Hashable, Sendable {
    package var context: String?
    package var apiURL: String?
    package var engine: String?
    package var region: String?
    package var token: Secret?
    /// No token is used, from wherever.
    package var noToken = false
    package var certificateFile: String?
    package var keyFile: String?
    /// The transport's mode.
    package var mode: String?
    /// Sent to the control plane only.
    package var headers: [String: String] = [:]

    /// Nothing is said.
    package init() {}
}
