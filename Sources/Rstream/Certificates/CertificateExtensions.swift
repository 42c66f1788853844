// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// The extensions of a certificate (RFC 5280 §4.2) that ``CertificateContents`` needs: subjectAltName, basicConstraints
/// and extendedKeyUsage.
struct CertificateExtensions {
    private(set) var names: [ArraySlice<UInt8>] = []
    private(set) var addresses: [IPAddress] = []
    private(set) var isAuthority = false
    private(set) var isForServers = true

    private static let subjectAlternativeName: [UInt8] = [0x55, 0x1D, 0x11]
    private static let basicConstraints: [UInt8] = [0x55, 0x1D, 0x13]
    private static let extendedKeyUsage: [UInt8] = [0x55, 0x1D, 0x25]
    private static let anyUsage: [UInt8] = [0x55, 0x1D, 0x25, 0x00]
    private static let serverAuthentication: [UInt8] = [0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01]

    init(_ extensions: ArraySlice<UInt8>?) throws(DERReader.Malformed) {
        guard let extensions else { return }
        var reader = DERReader(extensions)
        var list = try reader.enter(DERTag.sequence)
        var (alternatives, constraints, usages): (ArraySlice<UInt8>?, ArraySlice<UInt8>?, ArraySlice<UInt8>?)
        while !list.isAtEnd {
            var entry = try list.enter(DERTag.sequence)
            let identifier = try entry.read(DERTag.objectIdentifier)
            if identifier.elementsEqual(Self.subjectAlternativeName) {
                try Self.take(&entry, into: &alternatives)
            } else if identifier.elementsEqual(Self.basicConstraints) {
                try Self.take(&entry, into: &constraints)
            } else if identifier.elementsEqual(Self.extendedKeyUsage) {
                try Self.take(&entry, into: &usages)
            }
        }
        if let alternatives { (names, addresses) = try Self.subjects(alternatives) }
        if let constraints {
            var value = DERReader(constraints)
            var fields = try value.enter(DERTag.sequence)
            isAuthority = try fields.readIfPresent(DERTag.boolean)?.first == 0xFF
        }
        if let usages { isForServers = try Self.isForServers(usages) }
    }

    private static func take(
        _ entry: inout DERReader,
        into found: inout ArraySlice<UInt8>?
    ) throws(DERReader.Malformed) {
        _ = try entry.readIfPresent(DERTag.boolean)
        // A repeated extension is ambiguous, and RFC 5280 §4.2 forbids it.
        guard found == nil else { throw DERReader.Malformed() }
        found = try entry.read(DERTag.octetString)
    }

    private static func isForServers(_ usages: ArraySlice<UInt8>) throws(DERReader.Malformed) -> Bool {
        var value = DERReader(usages)
        var list = try value.enter(DERTag.sequence)
        while !list.isAtEnd {
            let usage = try list.read(DERTag.objectIdentifier)
            if usage.elementsEqual(serverAuthentication) || usage.elementsEqual(anyUsage) { return true }
        }
        return false
    }

    private static func subjects(
        _ found: ArraySlice<UInt8>
    ) throws(DERReader.Malformed) -> (names: [ArraySlice<UInt8>], addresses: [IPAddress]) {
        var value = DERReader(found)
        var subjects = try value.enter(DERTag.sequence)
        var (names, addresses): ([ArraySlice<UInt8>], [IPAddress]) = ([], [])
        while !subjects.isAtEnd {
            let subject = try subjects.read()
            switch subject.tag {
            case DERTag.primitive(2): names.append(subject.contents)
            case DERTag.primitive(7):
                guard let address = IPAddress(octets: subject.contents) else { throw DERReader.Malformed() }
                addresses.append(address)
            default: continue
            }
        }
        return (names, addresses)
    }
}

extension IPAddress {
    /// Four or sixteen octets in network order; nil for any other count.
    init?(octets: ArraySlice<UInt8>) {
        if octets.count == 4 {
            self = .v4(octets.reduce(0) { $0 << 8 | UInt32($1) })
        } else {
            self.init(v6Octets: Array(octets))
        }
    }
}
