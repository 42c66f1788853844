// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import COpenSSL
internal import Linux
internal import RstreamModel
internal import Synchronization

/// The devices behind one provider of the system's OpenSSL and one module: finds keys in them and has them sign. The only
/// Swift code that calls OpenSSL, which is loaded at the first call.
///
/// There is one for each module, for as long as the process lives, because modules do not like to be started twice or ended.
/// Everything but ``calls`` is for the thread of these.
final class KeyDevice: Sendable {
    private struct Module: Hashable {
        let provider: HardwareKey.Provider
        let path: ByteKey?
    }

    private struct Store: @unchecked Sendable {
        // Only the thread of the calls uses it.
        let pointer: OpaquePointer
    }

    private static let all = Lock<[Module: KeyDevice]>([:])

    /// Asks for the thread.
    let calls = DeviceCalls()
    private let provider: HardwareKey.Provider
    private let modulePath: String?
    private let store = Lock<Store?>(nil)
    /// PINs that a device has refused, by the key's URI: it counts wrong ones, and locks itself.
    private let refused = Lock<[ByteKey: Secret]>([:])

    private init(_ key: HardwareKey) {
        (provider, modulePath) = (key.provider, key.modulePath)
    }

    /// The device of a key.
    static func of(_ key: HardwareKey) -> KeyDevice {
        let module = Module(provider: key.provider, path: key.modulePath.map { ByteKey($0) })
        return all.withLock { all in
            if let known = all[module] { return known }
            let device = KeyDevice(key)
            all[module] = device
            return device
        }
    }

    /// Throws if the library or the provider is missing. Touches no device.
    static func examine(_ key: HardwareKey) throws(RstreamError) {
        do throws(HardwareKeyError) {
            try check(copenssl_examine(number(of: key.provider)))
        } catch {
            throw error.error(of: key, for: "")
        }
    }

    // MARK: On the thread of the calls

    /// Finds a key, and has it sign something to see that it is the certificate's.
    func find(_ key: HardwareKey, pin: Secret?, for certified: CertifiedKey) throws(HardwareKeyError) -> DeviceKey {
        try once(key, pin) { () throws(HardwareKeyError) in
            let found = try search(key.lookup, pin)
            try prove(found, certified)
            return found
        }
    }

    /// Does something with a PIN, unless the device has refused it before.
    func once<Value>(
        _ key: HardwareKey,
        _ pin: Secret?,
        _ body: () throws(HardwareKeyError) -> Value
    ) throws(HardwareKeyError) -> Value {
        let uri = ByteKey(key.lookup)
        // A TPM counts a missing password as a wrong one.
        let given = pin ?? Secret("")
        let refusal = pin == nil ? HardwareKeyError.pinMissing : .pinWrong
        guard refused.withLock({ $0[uri] != given }) else { throw refusal }
        do throws(HardwareKeyError) {
            let value = try body()
            refused.withLock { $0[uri] = nil }
            return value
        } catch {
            guard case .pinWrong = error else { throw error }
            refused.withLock { $0[uri] = given }
            throw refusal
        }
    }

    /// Signs what is not hashed yet.
    func sign(_ input: [UInt8], with key: DeviceKey, scheme: UInt16) throws(HardwareKeyError) -> [UInt8] {
        let store = try opened()
        var signature = [UInt8](repeating: 0, count: Int(COPENSSL_LONGEST_SIGNATURE))
        var length = 0
        try Self.check(copenssl_sign(store, key.pointer, scheme, input, input.count, &signature, &length))
        return Array(signature.prefix(length))
    }

    private func opened() throws(HardwareKeyError) -> OpaquePointer {
        MayBlock.now("asking a device")
        if let store = store.withLock({ $0 }) { return store.pointer }
        var opened: OpaquePointer?
        try Self.check(copenssl_open(Self.number(of: provider), modulePath, &opened))
        guard let opened else { throw .failed }
        let store = Store(pointer: opened)
        self.store.withLock { $0 = store }
        return opened
    }

    private func search(_ uri: String, _ pin: Secret?) throws(HardwareKeyError) -> DeviceKey {
        let store = try opened()
        var found: OpaquePointer?
        let result: copenssl_result
        if let pin {
            result = pin.withBytes { bytes in
                copenssl_find(store, uri, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, &found)
            }
        } else {
            result = copenssl_find(store, uri, nil, 0, &found)
        }
        try Self.check(result)
        guard let found else { throw .keyNotFound }
        return DeviceKey(found, in: store, calls)
    }

    /// Throws unless a signature of the key is one of the certificate's public key. What devices say of their keys is not
    /// enough: some find the public key of another one, and some TPMs sign RSA with another salt than TLS wants.
    private func prove(_ key: DeviceKey, _ certified: CertifiedKey) throws(HardwareKeyError) {
        // Nothing that a handshake would sign, which begins with blanks.
        let text = Array("rstreamd examines a key".utf8) + (0..<32).map { _ in UInt8.random(in: .min ... .max) }
        let signature: [UInt8]
        do throws(HardwareKeyError) {
            signature = try sign(text, with: key, scheme: certified.scheme)
        } catch {
            // A key of another kind cannot sign in the certificate's scheme.
            if case .unsupported = error, matches(key, certified) == 0 { throw .wrongKey }
            if case .failed = error, matches(key, certified) == 0 { throw .wrongKey }
            throw error
        }
        let isGood = copenssl_verify(
            certified.der,
            certified.der.count,
            certified.scheme,
            text,
            text.count,
            signature,
            signature.count
        )
        guard isGood else { throw matches(key, certified) == 1 ? .unsupported : .wrongKey }
    }

    private func matches(_ key: DeviceKey, _ certified: CertifiedKey) -> Int32 {
        copenssl_matches(key.store, key.pointer, certified.der, certified.der.count)
    }

    private static func number(of provider: HardwareKey.Provider) -> copenssl_provider {
        switch provider {
        case .pkcs11: COPENSSL_PKCS11
        case .tpm2: COPENSSL_TPM2
        }
    }

    private static func check(_ result: copenssl_result) throws(HardwareKeyError) {
        switch result {
        case COPENSSL_OK: return
        case COPENSSL_NO_LIBRARY: throw .noLibrary
        case COPENSSL_NO_PROVIDER: throw .noProvider
        case COPENSSL_PROVIDER_FAILED: throw .providerFailed
        case COPENSSL_NO_KEY: throw .keyNotFound
        case COPENSSL_NOT_IN_DEVICE: throw .notInDevice
        case COPENSSL_PIN_MISSING: throw .pinMissing
        case COPENSSL_PIN_WRONG: throw .pinWrong
        case COPENSSL_PIN_LOCKED: throw .pinLocked
        case COPENSSL_DEVICE_AWAY: throw .deviceAway
        case COPENSSL_UNSUPPORTED: throw .unsupported
        default: throw .failed
        }
    }
}

/// A private key in a device. It is given back on the thread of the device's calls, like everything else of it.
final class DeviceKey: @unchecked Sendable {
    // Sendable although it has pointers: only that thread follows them.
    fileprivate let pointer: OpaquePointer
    fileprivate let store: OpaquePointer
    private let calls: DeviceCalls

    fileprivate init(_ pointer: OpaquePointer, in store: OpaquePointer, _ calls: DeviceCalls) {
        (self.pointer, self.store, self.calls) = (pointer, store, calls)
    }

    deinit {
        struct Pointers: @unchecked Sendable { let key, store: OpaquePointer }
        let pointers = Pointers(key: pointer, store: store)
        calls.finish { copenssl_free(pointers.store, pointers.key) }
    }
}
