// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A text as far as a pattern can tell what it may be. What only code can tell, such as whether `300.0.0.1:80` is an
/// address, is left to the reader.
enum TextForm: Hashable, Sendable, CaseIterable {
    /// Any text; a blank one counts as not set.
    case any
    /// Anything but blanks.
    case filled
    /// The name of a tunnel, a context or a listener.
    case name
    /// A DNS name.
    case hostname
    /// The host of an engine, and perhaps a port; a blank one counts as not set.
    case engine
    /// One label of a DNS name; a blank one counts as not set.
    case label
    /// A region of a managed project; a blank one counts as not set.
    case region
    /// The URL of a control plane; a blank one counts as not set.
    case controlPlane
    /// A file's name without a path.
    case fileName
    /// Where a key in a device is.
    case keyURI
    /// Where streams go.
    case upstream
    /// Where to listen.
    case listenAddress
    /// An address and the length of its prefix.
    case addressRange

    /// A regular expression for it, see ``SchemaPattern``; nil where any text goes.
    var pattern: String? {
        switch self {
        case .any: nil
        case .filled: #"\S"#
        // As many characters as bytes at most: other letters than ASCII's have more.
        case .name: SchemaPattern.trimmed(#"\S(?:[\s\S]{0,253}\S)?"#)
        case .hostname: SchemaPattern.trimmed(#"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*"#)
        case .engine: SchemaPattern.trimmed(#"[^\s/?#@\\]+"#, mayBeBlank: true)
        case .label: SchemaPattern.trimmed("[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", mayBeBlank: true)
        case .region: SchemaPattern.trimmed("[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?", mayBeBlank: true)
        case .controlPlane: SchemaPattern.trimmed(#"[Hh][Tt][Tt][Pp][Ss]?://\S+"#, mayBeBlank: true)
        case .fileName: SchemaPattern.trimmed(#"[^/]*[^/\s][^/]*"#)
        case .keyURI: SchemaPattern.trimmed(#"pkcs11:\S+|handle:0x[0-9A-Fa-f]{8}|(?:file|object):/\S+"#)
        case .upstream:
            SchemaPattern.trimmed(
                #"[^\s:\[][^:]*(?::\s*\S[\s\S]*)?|\[[0-9A-Fa-f:.]+(?:%[^\]]+)?\]:\s*\S[\s\S]*"#
            )
        case .listenAddress: SchemaPattern.trimmed(#"unix:/[\s\S]*|[\s\S]*:[0-9]{1,5}"#)
        case .addressRange: SchemaPattern.trimmed("[0-9A-Fa-f:.]+/[0-9]{1,3}")
        }
    }

    /// Whether YAML may take one for a number or a boolean, like the name `8080`.
    var mayLookLikeAnother: Bool {
        switch self {
        case .any, .filled, .name, .hostname, .engine, .label, .region, .fileName, .upstream: true
        case .controlPlane, .keyURI, .listenAddress, .addressRange: false
        }
    }
}
