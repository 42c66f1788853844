// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CNIOBoringSSL
internal import Linux
internal import Synchronization

/// The settings of connections to engines, made once for all of them, and the tickets that engines gave them: TLS 1.3,
/// as a client.
///
/// A context has one set of anchors and one client certificate. A change of these makes another context, so a ticket is
/// never used across it.
///
/// BoringSSL shares an `SSL_CTX` between threads once its settings are complete; the tickets are guarded by a mutex.
@safe
package final class TLSContext: @unchecked Sendable {
    package struct Settings: Sendable {
        /// ALPN, the preferred one first.
        package var applicationProtocols: [String] = []
        /// The signature schemes that servers may use, and the key exchange groups: numbers of IANA's registries, the
        /// preferred one first.
        package var signatureAlgorithms: [UInt16]
        package var groups: [UInt16]
        /// The trust anchors; nil to trust any certificate.
        package var anchors: [TLSAnchors]?
        /// The client certificate and its intermediates in DER, and its key.
        package var identity: (chain: [[UInt8]], key: PrivateKey)?
        /// Seconds since 1970.
        package var now: @Sendable () -> Int64

        package init(
            signatureAlgorithms: [UInt16],
            groups: [UInt16],
            anchors: [TLSAnchors]?,
            now: @escaping @Sendable () -> Int64
        ) {
            (self.signatureAlgorithms, self.groups) = (signatureAlgorithms, groups)
            (self.anchors, self.now) = (anchors, now)
        }
    }

    /// The key of a client certificate.
    package enum PrivateKey: Sendable {
        case pem([UInt8])
        /// One that is not in this process, and who signs with it.
        case elsewhere(any TLSSigner)
    }

    let context: OpaquePointer
    /// Who signs for the client certificate, if its key is not in BoringSSL's hands.
    let signer: (any TLSSigner)?
    private let anchors: [TLSAnchors]
    /// Whether connections need a trusted certificate of the peer.
    let isVerifying: Bool
    let now: @Sendable () -> Int64
    private let tickets = Lock(TicketStore<SessionTicket>())

    /// Throws ``EngineTLSError/unusableSettings``.
    package init(_ settings: Settings) throws(EngineTLSError) {
        guard let context = unsafe CNIOBoringSSL_SSL_CTX_new(CNIOBoringSSL_TLS_client_method()) else {
            throw .unusableSettings
        }
        // From here on the deinit frees it, whatever is thrown.
        unsafe self.context = context
        signer = settings.identity.flatMap { if case .elsewhere(let signer) = $0.key { signer } else { nil } }
        anchors = settings.anchors ?? []
        isVerifying = settings.anchors != nil
        now = settings.now
        let isComplete = unsafe Self.prepare(context, settings) && Self.identify(context, settings.identity)
        BoringSSL.clearErrors()
        guard isComplete else { throw .unusableSettings }
    }

    deinit { unsafe CNIOBoringSSL_SSL_CTX_free(context) }

    private static func prepare(_ context: OpaquePointer, _ settings: Settings) -> Bool {
        let version = UInt16(TLS1_3_VERSION)
        let (groups, algorithms) = (settings.groups, settings.signatureAlgorithms)
        guard unsafe CNIOBoringSSL_SSL_CTX_set_min_proto_version(context, version) == 1,
            unsafe CNIOBoringSSL_SSL_CTX_set_max_proto_version(context, version) == 1,
            unsafe CNIOBoringSSL_SSL_CTX_set1_group_ids(context, groups, groups.count) == 1,
            unsafe CNIOBoringSSL_SSL_CTX_set_verify_algorithm_prefs(context, algorithms, algorithms.count) == 1,
            let protocols = encoded(settings.applicationProtocols),
            // Unlike its neighbours it returns 0 for success.
            unsafe CNIOBoringSSL_SSL_CTX_set_alpn_protos(context, protocols, protocols.count) == 0,
            let parameters = unsafe CNIOBoringSSL_SSL_CTX_get0_param(context),
            let store = unsafe CNIOBoringSSL_SSL_CTX_get_cert_store(context)
        else { return false }
        // A chain ends at the first anchor, also if the peer sends an untrusted certificate of the same authority.
        unsafe CNIOBoringSSL_X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_TRUSTED_FIRST))
        for certificate in (settings.anchors ?? []).lazy.flatMap(\.certificates) {
            guard unsafe CNIOBoringSSL_X509_STORE_add_cert(store, certificate.x509) == 1 else { return false }
        }
        unsafe CNIOBoringSSL_SSL_CTX_set_session_cache_mode(
            context,
            SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL
        )
        unsafe CNIOBoringSSL_SSL_CTX_sess_set_new_cb(context) { ssl, session in
            guard let session = unsafe session, let owner = unsafe TLSSession.of(ssl) else { return 0 }
            return unsafe owner.received(session) ? 1 : 0
        }
        return true
    }

    /// ALPN's list: each name behind its length. Nil if a name has no or more than 255 bytes.
    private static func encoded(_ protocols: [String]) -> [UInt8]? {
        var bytes: [UInt8] = []
        for name in protocols {
            guard let length = UInt8(exactly: name.utf8.count), length > 0 else { return nil }
            bytes.append(length)
            bytes += name.utf8
        }
        return bytes
    }

    private static func identify(_ context: OpaquePointer, _ identity: (chain: [[UInt8]], key: PrivateKey)?) -> Bool {
        guard let identity else { return true }
        let chain = identity.chain.compactMap(TLSCertificate.init)
        guard chain.count == identity.chain.count, let leaf = chain.first else { return false }
        guard unsafe CNIOBoringSSL_SSL_CTX_use_certificate(context, leaf.x509) == 1 else { return false }
        for certificate in chain.dropFirst() {
            guard unsafe CNIOBoringSSL_SSL_CTX_add1_chain_cert(context, certificate.x509) == 1 else { return false }
        }
        return switch identity.key {
        case .pem(let pem): unsafe use(pem, in: context)
        case .elsewhere(let signer): unsafe use(signer, in: context)
        }
    }

    /// Takes a key, which has to be the certificate's.
    private static func use(_ pem: [UInt8], in context: OpaquePointer) -> Bool {
        let key = unsafe pem.withUnsafeBytes { pem -> OpaquePointer? in
            guard let bio = unsafe CNIOBoringSSL_BIO_new_mem_buf(pem.baseAddress, pem.count) else { return nil }
            defer { unsafe CNIOBoringSSL_BIO_free(bio) }
            return unsafe CNIOBoringSSL_PEM_read_bio_PrivateKey(bio, nil, nil, nil)
        }
        guard let key = unsafe key else { return false }
        defer { unsafe CNIOBoringSSL_EVP_PKEY_free(key) }
        return unsafe CNIOBoringSSL_SSL_CTX_use_PrivateKey(context, key) == 1
    }

    /// Has the signatures made by a signer, in the schemes that it offers.
    private static func use(_ signer: any TLSSigner, in context: OpaquePointer) -> Bool {
        unsafe CNIOBoringSSL_SSL_CTX_set_private_key_method(context, TLSSession.signingMethod)
        let algorithms = signer.algorithms
        return unsafe CNIOBoringSSL_SSL_CTX_set_signing_algorithm_prefs(context, algorithms, algorithms.count) == 1
    }

    func isAnchor(fingerprint: [UInt8]) -> Bool {
        anchors.contains { $0.contains(fingerprint: fingerprint) }
    }

    // MARK: Tickets

    /// Tickets that are kept.
    package var ticketCount: Int { tickets.withLock { $0.count } }

    func keep(_ ticket: SessionTicket, for key: TicketKey) {
        let now = now()
        tickets.withLock { $0.keep(ticket, for: key, until: ticket.end, now: now) }
    }

    func takeTicket(for key: TicketKey) -> SessionTicket? {
        let now = now()
        return tickets.withLock { $0.take(for: key, now: now) }
    }

    func forgetTickets(for key: TicketKey) { tickets.withLock { $0.forget(key) } }
}

/// A session that an engine lets resume, and when the certificates that were verified for it have to be verified again,
/// in seconds since 1970.
///
/// Immutable: BoringSSL counts references atomically.
@safe
final class SessionTicket: @unchecked Sendable {
    let session: OpaquePointer
    let end: Int64

    /// Takes the caller's reference over.
    init(owning session: OpaquePointer, until end: Int64) {
        unsafe self.session = session
        self.end = end
    }

    deinit { unsafe CNIOBoringSSL_SSL_SESSION_free(session) }
}
