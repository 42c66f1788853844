// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CNIOBoringSSL
internal import NIOCore

/// One connection's TLS: ciphertext in and out, plaintext out and in. ``EngineTLSHandler`` moves the bytes.
///
/// Confined to the channel's event loop.
@safe
final class TLSSession {
    enum Outcome: Equatable {
        case done
        /// More has to arrive first.
        case starved
        /// The client's key has to sign first.
        case signing
        /// The peer has said close_notify.
        case closed
        /// With the names of BoringSSL's errors.
        case failed([String])
    }

    private let ssl: OpaquePointer
    private let context: TLSContext
    private let transfer = TransferBIO()
    private let ticketKey: TicketKey?
    /// When the certificates have to be verified again; nil before they were.
    private var end: Int64?
    /// For ``handshake()`` and what asks for the signature.
    var signature = Signature.none
    // What only the handshake needs.
    private var verification: PeerVerification
    private var offered: SessionTicket?
    private var leaf: (der: [UInt8], isAnchor: Bool)?
    /// Room for what ``read(into:)`` can return: all that arrived and was not returned. BoringSSL may hold some of it back,
    /// because its record is not complete.
    private(set) var readableBytes = 0

    /// A record of TLS 1.3, with its header.
    private static let largestRecord = 5 + (16 << 10) + 256

    /// Sends `name` to the server if it is not nil. With a `ticketKey`, the connection takes a ticket for its handshake,
    /// and keeps those that it gets.
    init(
        _ context: TLSContext,
        sentName: String?,
        verification: PeerVerification,
        ticketKey: TicketKey?
    ) throws(EngineTLSError) {
        guard let ssl = unsafe CNIOBoringSSL_SSL_new(context.context) else { throw .unusableSettings }
        unsafe self.ssl = ssl
        let isResumable =
            switch verification {
            // The tickets of a context that trusts every peer are of peers that no judge has seen.
            case .judge: context.isVerifying
            case .none: !context.isVerifying
            case .inspection: false
            }
        let ticketKey = isResumable ? ticketKey : nil
        (self.context, self.verification, self.ticketKey) = (context, verification, ticketKey)
        offered = ticketKey.flatMap { context.takeTicket(for: $0) }
        BoringSSL.clearErrors()
        guard let bio = unsafe transfer.makeBIO() else { throw .unusableSettings }
        // It takes over one reference for both directions.
        unsafe CNIOBoringSSL_SSL_set_bio(ssl, bio, bio)
        let reference = unsafe Unmanaged.passUnretained(self).toOpaque()
        guard unsafe CNIOBoringSSL_SSL_set_ex_data(ssl, BoringSSL.sessionSlot, reference) == 1 else {
            throw .unusableSettings
        }
        unsafe CNIOBoringSSL_SSL_set_connect_state(ssl)
        // Settings that only a handshake needs are freed after it.
        unsafe CNIOBoringSSL_SSL_set_shed_handshake_config(ssl, 1)
        if let sentName, unsafe CNIOBoringSSL_SSL_set_tlsext_host_name(ssl, sentName) != 1 { throw .unusableName }
        if let offered { unsafe CNIOBoringSSL_SSL_set_session(ssl, offered.session) }
        prepareVerification()
    }

    deinit {
        unsafe CNIOBoringSSL_SSL_free(ssl)
    }

    /// The session of an `SSL`, in BoringSSL's callbacks.
    static func of(_ ssl: OpaquePointer?) -> TLSSession? {
        guard let data = unsafe CNIOBoringSSL_SSL_get_ex_data(ssl, BoringSSL.sessionSlot) else { return nil }
        return unsafe Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue()
    }

    // MARK: Bytes

    func receive(_ ciphertext: ByteBuffer) {
        readableBytes += ciphertext.readableBytes
        transfer.receive(ciphertext)
    }

    var outgoingBytes: Int { transfer.outgoingBytes }

    func takeCiphertext() -> ByteBuffer? { transfer.takeOutgoing() }

    /// Gives the buffers back; nothing can be read or written afterwards.
    func drop() { transfer.drop() }

    /// Fills the room in `plaintext` with what the peer sent; `done` if there may be more.
    func read(into plaintext: inout ByteBuffer) -> Outcome {
        while plaintext.writableBytes > 0 {
            BoringSSL.clearErrors()
            var result: CInt = 0
            unsafe plaintext.writeWithUnsafeMutableBytes(minimumWritableBytes: 0) { room in
                result = unsafe CNIOBoringSSL_SSL_read(ssl, room.baseAddress, CInt(clamping: room.count))
                return Int(max(0, result))
            }
            guard result > 0 else {
                let isHoldingBack = unsafe CNIOBoringSSL_SSL_has_pending(ssl) == 1
                readableBytes = isHoldingBack ? min(readableBytes, Self.largestRecord) : 0
                return outcome(of: result)
            }
            readableBytes = max(0, readableBytes - Int(result))
        }
        return .done
    }

    /// Encrypts all of `plaintext`.
    func write(_ plaintext: ByteBuffer) -> Outcome {
        BoringSSL.clearErrors()
        let result = unsafe plaintext.withUnsafeReadableBytes { bytes in
            unsafe CNIOBoringSSL_SSL_write(ssl, bytes.baseAddress, CInt(clamping: bytes.count))
        }
        // All of it is written at once, because the BIO takes everything.
        return result > 0 ? .done : outcome(of: result)
    }

    // MARK: Beginning and end

    func handshake() -> Outcome {
        BoringSSL.clearErrors()
        let result = unsafe CNIOBoringSSL_SSL_do_handshake(ssl)
        return result == 1 ? .done : outcome(of: result)
    }

    /// Sends close_notify; `done` if the peer has said it too, or if there was no connection yet.
    func shutdown() -> Outcome {
        BoringSSL.clearErrors()
        return switch unsafe CNIOBoringSSL_SSL_shutdown(ssl) {
        case 1: .done
        case 0: .starved
        case let result: outcome(of: result)
        }
    }

    private func outcome(of result: CInt) -> Outcome {
        switch unsafe CNIOBoringSSL_SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: .starved
        case SSL_ERROR_WANT_PRIVATE_KEY_OPERATION: .signing
        case SSL_ERROR_ZERO_RETURN: .closed
        default: .failed(BoringSSL.takeErrors())
        }
    }

    /// The application protocol on which both sides agreed (ALPN).
    var applicationProtocol: String? {
        var (name, length): (UnsafePointer<UInt8>?, UInt32) = (nil, 0)
        unsafe CNIOBoringSSL_SSL_get0_alpn_selected(ssl, &name, &length)
        guard length > 0 else { return nil }
        return unsafe String(decoding: UnsafeBufferPointer(start: name, count: Int(length)), as: UTF8.self)
    }

    /// Who signs with the client certificate's key, if that is elsewhere.
    var signer: (any TLSSigner)? { context.signer }

    var isResumed: Bool { unsafe CNIOBoringSSL_SSL_session_reused(ssl) == 1 }

    // MARK: Verification

    /// Why the judge refuses the peer.
    var refusal: (any Error)? {
        guard case .judge(let judge) = verification else { return nil }
        return judge.refusalOfPeer
    }

    /// Throws unless the peer was verified as it should be, in this handshake or in the one that it resumes.
    func confirmVerification() throws {
        let latest = context.now() + TicketStore<SessionTicket>.longestAge
        switch verification {
        case _ where isResumed: end = offered?.end
        case .judge(let judge): end = min(try judge.verified(), latest)
        case .none, .inspection: end = latest
        }
        (verification, offered, leaf, signature) = (.none, nil, nil, .none)
    }

    private func prepareVerification() {
        switch verification {
        case .judge:
            unsafe CNIOBoringSSL_SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT) {
                found,
                chain in
                let slot = CNIOBoringSSL_SSL_get_ex_data_X509_STORE_CTX_idx()
                guard let ssl = unsafe CNIOBoringSSL_X509_STORE_CTX_get_ex_data(chain, slot),
                    let session = unsafe TLSSession.of(OpaquePointer(ssl))
                else { return 0 }
                return unsafe session.accepts(chain, isPreverified: found == 1) ? 1 : 0
            }
        case .none:
            unsafe CNIOBoringSSL_SSL_set_verify(ssl, SSL_VERIFY_NONE, nil)
        case .inspection:
            let mode = context.isVerifying ? SSL_VERIFY_PEER : SSL_VERIFY_NONE
            unsafe CNIOBoringSSL_SSL_set_custom_verify(ssl, mode) { ssl, _ in
                unsafe TLSSession.of(ssl)?.inspect()
                return ssl_verify_invalid
            }
        }
    }

    private func accepts(_ chain: OpaquePointer?, isPreverified: Bool) -> Bool {
        guard case .judge(let judge) = verification,
            let current = unsafe CNIOBoringSSL_X509_STORE_CTX_get_current_cert(chain),
            let leaf = unsafe CNIOBoringSSL_X509_STORE_CTX_get0_cert(chain)
        else { return false }
        let presented = unsafe self.leaf ?? (TLSCertificate.der(leaf), isAnchor(leaf))
        self.leaf = presented
        return judge.accepts(
            ReportedCertificate(
                der: unsafe TLSCertificate.der(current),
                isPreverified: isPreverified,
                isLeaf: unsafe CNIOBoringSSL_X509_cmp(current, leaf) == 0,
                isAnchor: unsafe isAnchor(current),
                leaf: presented
            )
        )
    }

    private func isAnchor(_ certificate: OpaquePointer) -> Bool {
        context.isAnchor(fingerprint: unsafe TLSCertificate.fingerprint(certificate))
    }

    private func inspect() {
        guard case .inspection(let inspect) = verification else { return }
        var chain: [[UInt8]] = []
        if let certificates = unsafe CNIOBoringSSL_SSL_get0_peer_certificates(ssl) {
            for index in unsafe 0..<CNIOBoringSSL_sk_CRYPTO_BUFFER_num(certificates) {
                guard let certificate = unsafe CNIOBoringSSL_sk_CRYPTO_BUFFER_value(certificates, index),
                    let bytes = unsafe CNIOBoringSSL_CRYPTO_BUFFER_data(certificate)
                else { continue }
                let count = unsafe CNIOBoringSSL_CRYPTO_BUFFER_len(certificate)
                chain.append(unsafe Array(UnsafeBufferPointer(start: bytes, count: count)))
            }
        }
        inspect(chain)
    }

    // MARK: Tickets

    /// Keeps a ticket; false if it has no use. Takes the reference over if true.
    func received(_ session: OpaquePointer) -> Bool {
        guard let ticketKey, let end else { return false }
        unsafe context.keep(SessionTicket(owning: session, until: end), for: ticketKey)
        return true
    }

    /// After a failure the next connection starts afresh.
    func forgetTickets() {
        if let ticketKey { context.forgetTickets(for: ticketKey) }
    }
}
