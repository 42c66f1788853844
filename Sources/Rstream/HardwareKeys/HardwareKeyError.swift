// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// Why a key in a device cannot be used. No text of OpenSSL, of its providers or of a device is among the words.
enum HardwareKeyError: Error, Hashable, Sendable {
    /// The host has no libcrypto.so.3.
    case noLibrary
    case noProvider
    /// The provider, or the module behind it, does not start.
    case providerFailed
    case keyNotFound
    /// An ordinary key in a file.
    case notInDevice
    case pinMissing
    case pinWrong
    case pinLocked
    case deviceAway
    /// The device does not sign as TLS 1.3 wants it.
    case unsupported
    /// The key is not the certificate's.
    case wrongKey
    case timeout
    /// Too many wait for the device already.
    case busy
    case failed

    /// The error for people. `certificate` names the certificate.
    func error(of key: HardwareKey, for certificate: String) -> RstreamError {
        let (what, fix) = words(key, certificate)
        return RstreamError(
            code: .invalidConfig,
            origin: isOfConfiguration ? .configuration : .host,
            retry: isLasting ? .afterReload : .afterBackoff,
            what: "key \"\(key.uri)\": \(what)",
            fix: fix
        )
    }

    /// Whether nothing but a change of the configuration, or of a file, helps. A PIN must not be tried again and again.
    private var isLasting: Bool {
        switch self {
        case .notInDevice, .pinMissing, .pinWrong, .pinLocked, .unsupported, .wrongKey: true
        case .noLibrary, .noProvider, .providerFailed, .keyNotFound, .deviceAway, .timeout, .busy, .failed: false
        }
    }

    private var isOfConfiguration: Bool {
        switch self {
        case .keyNotFound, .notInDevice, .pinMissing, .pinWrong, .unsupported, .wrongKey: true
        case .noLibrary, .noProvider, .providerFailed, .pinLocked, .deviceAway, .timeout, .busy, .failed: false
        }
    }

    /// Whether a device that was away, or has forgotten a login, may do it when the key is looked for once more.
    var mayBeForgotten: Bool {
        switch self {
        case .keyNotFound, .pinMissing, .deviceAway, .failed: true
        case .noLibrary, .noProvider, .providerFailed, .notInDevice, .pinWrong, .pinLocked, .unsupported, .wrongKey,
            .timeout, .busy:
            false
        }
    }

    private func words(_ key: HardwareKey, _ certificate: String) -> (what: String, fix: String) {
        let pinFile = key.pinFile.map { "the PIN file \"\($0)\"" } ?? "a PIN file"
        switch self {
        case .noLibrary:
            return ("OpenSSL 3, which reaches the device, is missing", "install it (Debian: apt install openssl)")
        case .noProvider:
            return (
                "OpenSSL's provider \"\(key.provider.rawValue)\" is missing",
                "install it (Debian: apt install \(key.provider.package))"
            )
        case .providerFailed:
            return ("the software of the device does not start: \(key.provider.behind)", key.provider.fix)
        case .keyNotFound:
            return (
                "there is no such private key: the device may be away, or hold another one",
                "look with \(key.provider.lister)"
            )
        case .notInDevice: return ("it is an ordinary key and not in a device", "name its file in keyFile instead")
        case .pinMissing: return ("the device wants a PIN", "write it to a file, and name that in keyPinFile")
        case .pinWrong:
            return (
                "the device has refused the PIN: it is wrong, or locked after too many wrong ones",
                "correct \(pinFile); the same PIN is not tried again"
            )
        case .pinLocked:
            return (
                "the PIN is locked after too many wrong ones, or has expired", "unlock it with the device's own tool"
            )
        case .deviceAway:
            return ("the device cannot be reached", "check that it is plugged in, and that rstreamd may use it")
        case .unsupported:
            return (
                "the device does not make signatures of the kind that TLS 1.3 needs",
                "use an ECDSA key of P-256, which most devices have"
            )
        case .wrongKey:
            return ("it does not belong to \(certificate)", "configure the key that the certificate was made for")
        case .timeout: return ("the device has not answered in time", "check the device, and what else uses it")
        case .busy:
            return ("too many signatures wait for the device already", "use a faster device, or fewer connections")
        case .failed: return ("the device has failed", "try it with \(key.provider.lister)")
        }
    }
}

extension HardwareKey.Provider {
    /// The Debian package.
    fileprivate var package: String {
        switch self {
        case .pkcs11: "pkcs11-provider"
        case .tpm2: "tpm2-openssl"
        }
    }

    fileprivate var behind: String {
        switch self {
        case .pkcs11: "its PKCS#11 module is missing or fails"
        case .tpm2: "there is no TPM, or it may not be used"
        }
    }

    fileprivate var fix: String {
        switch self {
        case .pkcs11: "name the module with module-path in the URI, and check that rstreamd may use the device"
        case .tpm2: "check that /dev/tpmrm0 is there, and let rstreamd use it (rstreamd(8), HARDENING)"
        }
    }

    /// What shows the keys of a device.
    fileprivate var lister: String {
        switch self {
        case .pkcs11: "pkcs11-tool --list-objects"
        case .tpm2: "tpm2_getcap handles-persistent"
        }
    }
}
