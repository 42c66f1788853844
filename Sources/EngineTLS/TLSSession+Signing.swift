// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CNIOBoringSSL

/// The signature of a client certificate's key that is elsewhere. BoringSSL asks for it in the midst of a handshake,
/// which then stands still until ``handshake()`` is called with the signature at hand.
extension TLSSession {
    /// What there is to sign, and in which scheme.
    struct SigningRequest: Equatable {
        let input: [UInt8]
        let algorithm: UInt16
    }

    enum Signature {
        /// Not asked for, or used.
        case none
        case wanted(SigningRequest)
        /// Asked for, and not here yet.
        case awaited
        case made([UInt8])
    }

    /// What the client's key has to sign; nil if that is asked for already.
    func takeSigningRequest() -> SigningRequest? {
        guard case .wanted(let request) = signature else { return nil }
        signature = .awaited
        return request
    }

    /// The next ``handshake()`` goes on with this signature.
    func take(signature bytes: [UInt8]) { signature = .made(bytes) }

    /// BoringSSL's way to ask. It lives as long as the process, since every context refers to it.
    // Never changed after it is made, so every thread may read it.
    nonisolated(unsafe) static let signingMethod: UnsafePointer<SSL_PRIVATE_KEY_METHOD> = {
        let method = UnsafeMutablePointer<SSL_PRIVATE_KEY_METHOD>.allocate(capacity: 1)
        unsafe method.initialize(
            to: SSL_PRIVATE_KEY_METHOD(
                sign: { ssl, _, _, _, algorithm, input, length in
                    guard let session = unsafe TLSSession.of(ssl) else { return ssl_private_key_failure }
                    let bytes = unsafe Array(UnsafeBufferPointer(start: input, count: length))
                    session.signature = .wanted(SigningRequest(input: bytes, algorithm: algorithm))
                    return ssl_private_key_retry
                },
                // Only for key exchanges of TLS 1.2 and earlier.
                decrypt: { _, _, _, _, _, _ in ssl_private_key_failure },
                complete: { ssl, out, length, room in
                    guard let session = unsafe TLSSession.of(ssl) else { return ssl_private_key_failure }
                    return unsafe session.giveSignature(out, length, room)
                }
            )
        )
        return unsafe UnsafePointer(method)
    }()

    private func giveSignature(
        _ out: UnsafeMutablePointer<UInt8>?,
        _ length: UnsafeMutablePointer<Int>?,
        _ room: Int
    ) -> ssl_private_key_result_t {
        guard case .made(let bytes) = signature else { return ssl_private_key_retry }
        signature = .none
        guard bytes.count <= room, let out = unsafe out, let length = unsafe length else {
            return ssl_private_key_failure
        }
        unsafe out.update(from: bytes, count: bytes.count)
        unsafe length.pointee = bytes.count
        return ssl_private_key_success
    }
}
