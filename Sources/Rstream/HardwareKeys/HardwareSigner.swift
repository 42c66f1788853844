// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import NIOCore
internal import NIOSSL
internal import RstreamModel
internal import Synchronization

#if EngineTLS
internal import EngineTLS
#endif

/// Has a device sign for a client certificate, whichever handler speaks TLS. The device is asked on a thread of its own;
/// the handshake of that one connection waits meanwhile.
///
/// The key is replaced when a device has forgotten it; that is guarded by a mutex.
final class HardwareSigner: Sendable {
    /// How long a handshake waits for a signature, with those that wait in front of it: less than a stream waits for its
    /// connection.
    static let patience = Duration.seconds(5)
    /// How long finding a key may take, with a signature to examine it: cards take seconds to wake up.
    static let patienceToFind = Duration.seconds(10)

    let key: HardwareKey
    private let certificateName: String
    private let certified: CertifiedKey
    private let pin: Secret?
    private let device: KeyDevice
    private let found: Lock<DeviceKey>

    private init(
        _ key: HardwareKey,
        _ certificateName: String,
        _ certified: CertifiedKey,
        _ pin: Secret?,
        _ found: DeviceKey
    ) {
        (self.key, self.certificateName, self.certified, self.pin) = (key, certificateName, certified, pin)
        device = KeyDevice.of(key)
        self.found = Lock(found)
    }

    /// Finds a key in its device, and checks that it is the certificate's. Blocks, for a bounded time.
    static func find(
        _ key: HardwareKey,
        pin: Secret?,
        for certified: CertifiedKey,
        _ certificateName: String
    ) throws(RstreamError) -> HardwareSigner {
        let device = KeyDevice.of(key)
        do throws(HardwareKeyError) {
            let found = try device.calls.wait(within: patienceToFind) { () throws(HardwareKeyError) in
                try device.find(key, pin: pin, for: certified)
            }
            return HardwareSigner(key, certificateName, certified, pin, found)
        } catch {
            throw error.error(of: key, for: certificateName)
        }
    }

    /// The numbers of the signature schemes that it offers.
    var algorithms: [UInt16] { [certified.scheme] }

    /// Signs `input`, which is not hashed yet. The future fails with ``RstreamError``.
    func sign(_ input: [UInt8], algorithm: UInt16, on eventLoop: any EventLoop) -> EventLoopFuture<[UInt8]> {
        device.calls.make(within: Self.patience, on: eventLoop) { [self] () throws(HardwareKeyError) in
            guard algorithm == certified.scheme else { throw .unsupported }
            return try signature(of: input)
        }.flatMapErrorThrowing { [self] error in
            throw (error as? HardwareKeyError ?? .failed).error(of: key, for: certificateName)
        }
    }

    /// On the thread of the device's calls.
    private func signature(of input: [UInt8]) throws(HardwareKeyError) -> [UInt8] {
        let known = found.withLock { $0 }
        do throws(HardwareKeyError) {
            return try device.once(key, pin) { () throws(HardwareKeyError) in
                try device.sign(input, with: known, scheme: certified.scheme)
            }
        } catch {
            guard error.mayBeForgotten else { throw error }
        }
        // A card that was pulled out and is back knows neither the login nor what was found in it.
        let again = try device.find(key, pin: pin, for: certified)
        found.withLock { $0 = again }
        return try device.sign(input, with: again, scheme: certified.scheme)
    }
}

extension HardwareSigner: Hashable {
    static func == (left: HardwareSigner, right: HardwareSigner) -> Bool { left === right }

    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

extension HardwareSigner: NIOSSLCustomPrivateKey {
    var signatureAlgorithms: [SignatureAlgorithm] { algorithms.map { SignatureAlgorithm(rawValue: $0) } }

    func sign(channel: any Channel, algorithm: SignatureAlgorithm, data: ByteBuffer) -> EventLoopFuture<ByteBuffer> {
        sign(Array(data.readableBytesView), algorithm: algorithm.rawValue, on: channel.eventLoop)
            .map { ByteBuffer(bytes: $0) }
    }

    /// Only for key exchanges that TLS 1.3 does not have.
    func decrypt(channel: any Channel, data _: ByteBuffer) -> EventLoopFuture<ByteBuffer> {
        channel.eventLoop.makeFailedFuture(HardwareKeyError.unsupported)
    }
}

#if EngineTLS
extension HardwareSigner: TLSSigner {}
#endif
