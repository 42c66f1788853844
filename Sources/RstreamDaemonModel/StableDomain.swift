// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// Published names that an agent generates once and requests at every reopen (CONFIG.md §10).
package enum StableDomain {
    /// `r` and eight hexadecimal digits.
    private static let slugLength = 9

    /// A fresh name in the project's name space, or nil where none can be made and the engine must allocate one: an
    /// IP literal, fewer than two labels, a label that is not one, or a project name that leaves no room.
    /// `engine` is the project's own address, never a regional one.
    package static func generate(
        for engine: EngineAddress,
        using generator: inout some RandomNumberGenerator
    ) -> String? {
        guard !engine.isIPLiteral else { return nil }
        let labels = engine.host.split(byte: ".", omittingEmpty: false)
        guard labels.count >= 2, let project = labels.first, labels.allSatisfy({ Hostname.isLabel($0) }),
            project.utf8.count + 1 + slugLength <= 63
        else { return nil }
        let digits = String(UInt32.random(in: .min ... .max, using: &generator), radix: 16)
        let slug = "r" + String(repeating: "0", count: 8 - digits.count) + digits
        return "\(slug)-\(project).t.\(labels.dropFirst().joined(separator: "."))"
    }
}

extension TunnelSpec {
    /// Whether the tunnel gets a generated name: it is published, not `tcp`, and the user gave no name.
    package var takesStableHostname: Bool {
        publish != false && `protocol` != .tcp && hostname == nil
    }
}
