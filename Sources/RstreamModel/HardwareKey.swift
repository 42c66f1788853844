// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The private key of a client certificate that stays in a device, such as a smart card, an HSM or a TPM: how it is
/// found there.
///
/// Its URI may be shown to anyone. The device's PIN is a secret and stands in a file of its own.
public struct HardwareKey: Hashable, Sendable {
    /// What reaches the device: a provider of the system's OpenSSL.
    package enum Provider: String, Hashable, Sendable, CaseIterable {
        case pkcs11
        case tpm2
    }

    /// The URI as it was given.
    @Bytewise public private(set) var uri: String
    /// The file that holds the device's PIN, or the password of a TPM's key; nil if none is needed.
    @Bytewise public private(set) var pinFile: String?
    /// What reaches the device.
    package let provider: Provider
    /// The PKCS#11 module of the device; nil for the one that the provider takes by itself.
    @Bytewise package private(set) var modulePath: String?
    /// The file that holds a TPM's key, which only this TPM can use; nil if the key is in the device itself.
    @Bytewise package private(set) var file: String?

    /// Takes a URI that names a key in a device.
    ///
    /// - Parameters:
    ///   - uri: A PKCS#11 URI (RFC 7512) with `token` or `serial`, and with `object` or `id`, and perhaps with
    ///     `module-path`; or the key of a TPM: `handle:0x81000001`, `file:/path` or `object:/path`.
    ///   - pinFile: The file that holds the device's PIN, or the password of a TPM's key. It has to be one that other
    ///     users cannot read.
    /// - Throws: ``RstreamError`` with ``RstreamError/Code/invalidConfig`` for what is no such URI, or has the PIN in it.
    public init(uri: String, pinFile: String? = nil) throws(RstreamError) {
        do throws(Problem) {
            try self.init(checking: uri, pinFile: pinFile)
        } catch {
            throw RstreamError(
                code: .invalidConfig,
                origin: .configuration,
                retry: .afterReload,
                what: "the URI of the client certificate's key \(error)",
                fix: error.fix
            )
        }
    }

    /// The same for the readers of configurations, which have words of their own for where it stands.
    package init(checking uri: String, pinFile: String? = nil) throws(Problem) {
        // First, because the text is not looked at any more, and so not shown, if it holds a secret.
        guard !Self.holdsPIN(uri) else { throw .holdsPIN }
        guard uri.utf8.count <= Self.longest else { throw .tooLong }
        guard uri.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw .notPrintable }
        _uri = Bytewise(wrappedValue: uri)
        _pinFile = Bytewise(wrappedValue: pinFile)
        guard let colon = uri.utf8.firstIndex(of: UInt8(ascii: ":")) else { throw .unknownScheme }
        let rest = String(uri[uri.utf8.index(after: colon)...])
        switch String(uri[..<colon]) {
        case "pkcs11":
            provider = .pkcs11
            _file = Bytewise(wrappedValue: nil)
            _modulePath = Bytewise(wrappedValue: try Self.modulePath(in: rest))
        case "handle":
            guard Self.isHandle(rest) else { throw .noHandle }
            provider = .tpm2
            (_file, _modulePath) = (Bytewise(wrappedValue: nil), Bytewise(wrappedValue: nil))
        case "file", "object":
            // With or without the empty host of `file:///path`.
            let path = rest.startsWithBytes(of: "///") ? String(rest.dropFirst(2)) : rest
            guard path.startsWithBytes(of: "/"), !path.startsWithBytes(of: "//") else { throw .noPath }
            provider = .tpm2
            (_file, _modulePath) = (Bytewise(wrappedValue: path), Bytewise(wrappedValue: nil))
        default: throw .unknownScheme
        }
    }

    /// In bytes.
    package static let longest = 1_024

    /// What the provider is asked for. It must have no way to take the PIN from anywhere but us.
    package var lookup: String {
        switch provider {
        case .pkcs11:
            let way = uri.split(byte: "?").first.map(String.init) ?? uri
            return Self.attributes(of: way.dropFirst("pkcs11:".utf8.count), apart: ";").contains { $0.name == "type" }
                ? way : "\(way);type=private"
        // The provider asks for the password only if it is told to.
        case .tpm2: return file == nil && pinFile != nil ? "\(uri)?pass" : uri
        }
    }
}

extension HardwareKey: CustomStringConvertible {
    /// The URI, and the name of the PIN's file.
    public var description: String { pinFile.map { "\(uri) with the PIN of \($0)" } ?? uri }
}

extension HardwareKey {
    /// Why a text names no key in a device. Nothing of the text is in the words, because it may hold a secret.
    package enum Problem: Error, Hashable, Sendable, CustomStringConvertible {
        case holdsPIN
        case tooLong
        case notPrintable
        case unknownScheme
        case noToken
        case noObject
        case noHandle
        case noPath
        case wrongModule

        /// To follow the name of the key or of the text.
        package var description: String {
            switch self {
            case .holdsPIN: "must not hold the PIN, nor say where it is"
            case .tooLong: "is longer than \(HardwareKey.longest) bytes"
            case .notPrintable: "has characters that a URI cannot have"
            case .unknownScheme: "names no key in a device"
            case .noToken: "does not say which token the key is in"
            case .noObject: "does not say which key of the token it is"
            case .noHandle: "has no handle of a TPM's key"
            case .noPath: "has no absolute path"
            case .wrongModule: "has no module-path that can be used"
            }
        }

        /// What to write instead.
        package var fix: String {
            switch self {
            case .holdsPIN: "remove pin-value and pin-source, write the PIN to a file, and name that in keyPinFile"
            case .tooLong: "leave out attributes that are not needed"
            case .notPrintable: "percent-encode them, a blank as %20 for instance"
            case .unknownScheme:
                "expected pkcs11:token=NAME;object=NAME, handle:0x81000001 or file:/path; a key in an ordinary file "
                    + "belongs in keyFile"
            case .noToken: "add token= or serial=: the PIN must not go to another token"
            case .noObject: "add object= or id="
            case .noHandle: "expected 0x and eight hexadecimal digits, like handle:0x81000001"
            case .noPath: "expected an absolute path, like file:/etc/rstream/agent.tss2.pem"
            case .wrongModule:
                "expected an absolute path of letters, digits and ._+-, like /usr/lib/softhsm/libsofthsm2.so"
            }
        }
    }

    /// Whether a text may be a URI with a PIN in it. Such a text must not be shown.
    package static func holdsPIN(_ text: String) -> Bool {
        // Far longer than any URI: nothing looks at it, and so nothing shows it.
        guard text.utf8.count <= 1 << 16, text.contains(byte: ":") else { return false }
        let plain = (text.contains(byte: "%") ? PercentEncoding.decodeLeniently(text) : text).asciiLowercased
        return plain.firstRange(ofBytes: "pin-value") != nil || plain.firstRange(ofBytes: "pin-source") != nil
    }

    private static func attributes(
        of text: some StringProtocol,
        apart: Unicode.Scalar
    ) -> [(name: String, value: String)] {
        String(text).split(byte: apart).map { attribute in
            let parts = attribute.split(byte: "=", omittingEmpty: false)
            return (String(parts.first ?? ""), parts.dropFirst().map(String.init).joined(separator: "="))
        }
    }

    /// Checks a PKCS#11 URI behind its scheme, and returns its module.
    private static func modulePath(in text: String) throws(Problem) -> String? {
        let parts = text.split(byte: "?", omittingEmpty: false)
        let names = Set(attributes(of: parts.first ?? "", apart: ";").filter { !$0.value.isEmpty }.map(\.name))
        guard !names.isDisjoint(with: ["token", "serial"]) else { throw .noToken }
        guard !names.isDisjoint(with: ["object", "id"]) else { throw .noObject }
        guard parts.count <= 2 else { throw .wrongModule }
        var module: String?
        for attribute in attributes(of: parts.count == 2 ? parts[1] : "", apart: "&") {
            guard attribute.name.sameBytes(as: "module-path"), module == nil,
                let path = PercentEncoding.decode(attribute.value), isModule(path)
            else { throw .wrongModule }
            module = path
        }
        return module
    }

    /// The path becomes a line of a configuration of OpenSSL's.
    private static func isModule(_ path: String) -> Bool {
        path.startsWithBytes(of: "/")
            && path.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "_"),
                    UInt8(ascii: "+"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    private static func isHandle(_ text: String) -> Bool {
        let digits = text.utf8.dropFirst(2)
        return text.startsWithBytes(of: "0x") && digits.count == 8 && digits.allSatisfy(\.isHexDigit)
    }
}
