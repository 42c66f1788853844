// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// Why a tunnel that labels ask for is left out, or what is left of a container: one line of the log.
package struct Complaint: Hashable, Sendable, CustomStringConvertible {
    /// The container's name; nil where it is about none, or about many.
    @Bytewise package var container: String?
    /// The whole key of the label that is wrong; nil where no single one is.
    @Bytewise package var label: String?
    /// What is wrong, and what was expected.
    @Bytewise package var reason: String

    package init(container: String? = nil, label: String? = nil, reason: String) {
        self.container = container
        self.label = label
        self.reason = reason
    }

    package var description: String {
        let container = container.map { "container \($0.shortened.quotedJSON): " } ?? ""
        let label = label.map { "label \($0.cut(toBytes: 200)): " } ?? ""
        return "\(container)\(label)\(reason)".printable
    }
}
