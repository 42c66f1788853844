// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The subject or the issuer of a certificate. Its text is for error messages; only whether two names are equal is used
/// to verify anything.
struct DistinguishedName: Hashable, Sendable {
    /// The contents of the DER sequence.
    let der: ArraySlice<UInt8>

    /// In bytes; longer names are cut.
    private static let longest = 64
    private static let commonName: [UInt8] = [0x55, 0x04, 0x03]
    private static let organization: [UInt8] = [0x55, 0x04, 0x0A]
    private static let unit: [UInt8] = [0x55, 0x04, 0x0B]

    /// The common name, or else the organization or its unit; nil if the name has none of them.
    var text: String? {
        let parts = attributes
        let found = [Self.commonName, Self.organization, Self.unit].lazy.compactMap { wanted in
            parts.first { $0.type.elementsEqual(wanted) }?.value
        }.first
        guard let found, !found.isEmpty else { return nil }
        let isWhole = found.count <= Self.longest
        return String(decoding: found.prefix(Self.longest), as: UTF8.self) + (isWhole ? "" : "…")
    }

    private var attributes: [(type: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] {
        var (found, reader) = ([(type: ArraySlice<UInt8>, value: ArraySlice<UInt8>)](), DERReader(der))
        while !reader.isAtEnd {
            guard var set = try? reader.enter(DERTag.set) else { break }
            while !set.isAtEnd {
                guard var pair = try? set.enter(DERTag.sequence),
                    let type = try? pair.read(DERTag.objectIdentifier),
                    let value = try? pair.read()
                else { break }
                found.append((type, value.contents))
            }
        }
        return found
    }
}
