// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// The base URL of a control plane, which gets the token: `https`, or `http` to this host itself.
package struct ControlPlaneURL: Hashable, Sendable, CustomStringConvertible {
    /// Whether TLS is spoken.
    package let isSecure: Bool
    /// Where it listens.
    package let address: EngineAddress
    /// What stands in front of every path of the API; empty, or with a slash in front and none behind.
    package let path: String

    /// Longer than any.
    private static let longest = 2_048

    /// Why a text is no such URL.
    package enum Malformed: Error, Hashable, Sendable, CustomStringConvertible {
        case scheme
        case address(EngineAddress.Malformed)
        case user
        case path
        case cleartext

        /// What is wrong, to stand after the name of the setting.
        package var description: String {
            switch self {
            case .scheme: "does not start with https://"
            case .address(let malformed): malformed.description
            case .user: "contains a user name, which control planes do not accept"
            case .path: "has a query, a fragment, or characters that a path must not have"
            case .cleartext: "would send the token unencrypted: http:// is for this host only"
            }
        }
    }

    /// Reads a URL.
    package init(_ text: String) throws(Malformed) {
        let text = Self.normalized(text)
        guard let mark = text.firstRange(ofBytes: "://") else { throw .scheme }
        let scheme = text[..<mark.lowerBound].asciiLowercased
        guard ["https", "http"].contains(where: scheme.sameBytes) else { throw .scheme }
        guard text.utf8.count <= Self.longest else { throw .path }
        isSecure = scheme.sameBytes(as: "https")
        let rest = text[mark.upperBound...]
        let end = rest.firstIndex(ofByte: "/") ?? rest.endIndex
        do throws(EngineAddress.Malformed) {
            address = try EngineAddress(String(rest[..<end]), defaultPort: isSecure ? 443 : 80)
        } catch {
            // What was wrong may be a part of the password.
            throw rest.contains(byte: "@") ? .user : .address(error)
        }
        path = String(rest[end...])
        guard path.isVisibleASCII, !path.contains(byte: "?"), !path.contains(byte: "#") else {
            throw .path
        }
        guard isSecure || address.isLoopback else { throw .cleartext }
    }

    /// The text without white space around it and slashes behind it, by which URLs are compared.
    package static func normalized(_ text: String) -> String {
        let text = text.trimmed
        let slash = UInt8(ascii: "/")
        guard let last = text.utf8.lastIndex(where: { $0 != slash }) else { return "" }
        return String(text[...last])
    }

    /// The URL as it is written.
    package var description: String { "\(isSecure ? "https" : "http")://\(address)\(path)" }
}

extension EngineAddress {
    /// Whether what is sent there stays on this host.
    fileprivate var isLoopback: Bool {
        switch IPAddress(host) {
        case .v4(let number): number >> 24 == 127
        case .v6(let groups): groups.values == [0, 0, 0, 0, 0, 0, 0, 1]
        case nil: host.sameBytes(as: "localhost")
        }
    }
}
