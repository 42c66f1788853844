// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import CNIOBoringSSL
import Testing

@testable import Rstream

/// A TLS server of BoringSSL alone: bytes in, bytes out. It also does what no honest server does, whenever a test says so.
final class RawTLSServer {
    struct Settings {
        var isOnlyOld = false
        /// Whether it agrees to the protocol that the client prefers (ALPN).
        var agreesOnProtocol = true
        var wantsCertificate = false
        var tickets = 2
        /// The most plaintext in a record.
        var recordSize: Int?
    }

    /// What its connections share, so that one accepts the ticket that another gave.
    final class Context {
        fileprivate let context: OpaquePointer

        init(_ chain: [[UInt8]], key: String, _ settings: Settings = Settings()) throws {
            context = try #require(CNIOBoringSSL_SSL_CTX_new(CNIOBoringSSL_TLS_server_method()))
            let newest = settings.isOnlyOld ? TLS1_2_VERSION : TLS1_3_VERSION
            #expect(CNIOBoringSSL_SSL_CTX_set_max_proto_version(context, UInt16(newest)) == 1)
            for (index, der) in chain.enumerated() {
                let certificate = try #require(
                    der.withUnsafeBufferPointer { bytes in
                        var next = bytes.baseAddress
                        return CNIOBoringSSL_d2i_X509(nil, &next, bytes.count)
                    }
                )
                if index == 0 {
                    #expect(CNIOBoringSSL_SSL_CTX_use_certificate(context, certificate) == 1)
                } else {
                    #expect(CNIOBoringSSL_SSL_CTX_add1_chain_cert(context, certificate) == 1)
                }
                CNIOBoringSSL_X509_free(certificate)
            }
            let parsed = try #require(
                Array(key.utf8).withUnsafeBytes { pem in
                    let bio = CNIOBoringSSL_BIO_new_mem_buf(pem.baseAddress, pem.count)
                    defer { CNIOBoringSSL_BIO_free(bio) }
                    return CNIOBoringSSL_PEM_read_bio_PrivateKey(bio, nil, nil, nil)
                }
            )
            #expect(CNIOBoringSSL_SSL_CTX_use_PrivateKey(context, parsed) == 1)
            CNIOBoringSSL_EVP_PKEY_free(parsed)
            TLSClient.signatureAlgorithms.map(\.rawValue).withUnsafeBufferPointer {
                _ = CNIOBoringSSL_SSL_CTX_set_verify_algorithm_prefs(context, $0.baseAddress, $0.count)
            }
            CNIOBoringSSL_SSL_CTX_set_num_tickets(context, settings.tickets)
            CNIOBoringSSL_SSL_CTX_set_session_id_context(context, [1], 1)
            if let size = settings.recordSize { CNIOBoringSSL_SSL_CTX_set_max_send_fragment(context, size) }
            if settings.wantsCertificate {
                let mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                CNIOBoringSSL_SSL_CTX_set_custom_verify(context, mode) { _, _ in ssl_verify_ok }
            }
            guard settings.agreesOnProtocol else { return }
            CNIOBoringSSL_SSL_CTX_set_alpn_select_cb(
                context,
                { _, chosen, length, offered, _, _ in
                    guard let offered, let chosen, let length else { return SSL_TLSEXT_ERR_NOACK }
                    (chosen.pointee, length.pointee) = (offered + 1, offered.pointee)
                    return SSL_TLSEXT_ERR_OK
                },
                nil
            )
        }

        deinit { CNIOBoringSSL_SSL_CTX_free(context) }
    }

    private let ssl: OpaquePointer
    private let (fromClient, toClient): (UnsafeMutablePointer<BIO>, UnsafeMutablePointer<BIO>)
    private let context: Context
    /// What the client said, without TLS.
    private(set) var heard: [UInt8] = []
    /// Whether the client said close_notify.
    private(set) var hasEnded = false
    private(set) var isOpen = false
    private(set) var hasFailed = false

    init(_ context: Context) throws {
        self.context = context
        ssl = try #require(CNIOBoringSSL_SSL_new(context.context))
        fromClient = try #require(CNIOBoringSSL_BIO_new(CNIOBoringSSL_BIO_s_mem()))
        toClient = try #require(CNIOBoringSSL_BIO_new(CNIOBoringSSL_BIO_s_mem()))
        CNIOBoringSSL_BIO_set_mem_eof_return(fromClient, -1)
        CNIOBoringSSL_SSL_set_bio(ssl, fromClient, toClient)
        CNIOBoringSSL_SSL_set_accept_state(ssl)
    }

    deinit { CNIOBoringSSL_SSL_free(ssl) }

    // MARK: Bytes

    /// Takes what the client sent and does what follows from it.
    func receive(_ bytes: [UInt8]) {
        CNIOBoringSSL_BIO_write(fromClient, bytes, CInt(bytes.count))
        if !isOpen {
            CNIOBoringSSL_ERR_clear_error()
            let result = CNIOBoringSSL_SSL_do_handshake(ssl)
            isOpen = result == 1
            // A server's tickets leave with its first write.
            if isOpen { CNIOBoringSSL_SSL_write(ssl, [0], 0) }
            if result <= 0, CNIOBoringSSL_SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ { hasFailed = true }
        }
        guard isOpen else { return }
        var room = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            CNIOBoringSSL_ERR_clear_error()
            let count = CNIOBoringSSL_SSL_read(ssl, &room, CInt(room.count))
            guard count > 0 else {
                switch CNIOBoringSSL_SSL_get_error(ssl, count) {
                case SSL_ERROR_WANT_READ: break
                case SSL_ERROR_ZERO_RETURN: hasEnded = true
                default: hasFailed = true
                }
                return
            }
            heard += room.prefix(Int(count))
        }
    }

    /// What is to be sent to the client.
    func take() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(CNIOBoringSSL_BIO_pending(toClient)))
        let count = CNIOBoringSSL_BIO_read(toClient, &bytes, CInt(bytes.count))
        return Array(bytes.prefix(Int(max(0, count))))
    }

    func send(_ bytes: [UInt8]) {
        let written = CNIOBoringSSL_SSL_write(ssl, bytes, CInt(bytes.count))
        #expect(written == CInt(bytes.count))
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// Says close_notify.
    func closeOutput() { CNIOBoringSSL_SSL_shutdown(ssl) }

    func sendAlert(_ code: UInt8) { CNIOBoringSSL_SSL_send_fatal_alert(ssl, code) }

    /// Changes its keys before what it sends next, and asks the client to do the same.
    func updateKeys() { #expect(CNIOBoringSSL_SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1) }

    // MARK: What the client showed

    var isResumed: Bool { CNIOBoringSSL_SSL_session_reused(ssl) == 1 }

    /// The name that the client asked for (SNI).
    var serverName: String? {
        CNIOBoringSSL_SSL_get_servername(ssl, CInt(TLSEXT_NAMETYPE_host_name)).map { String(cString: $0) }
    }

    /// The DER of the client's certificates.
    var clientChain: [[UInt8]] {
        guard let chain = CNIOBoringSSL_SSL_get0_peer_certificates(ssl) else { return [] }
        return (0..<CNIOBoringSSL_sk_CRYPTO_BUFFER_num(chain)).map { index in
            let certificate = CNIOBoringSSL_sk_CRYPTO_BUFFER_value(chain, index)
            let count = CNIOBoringSSL_CRYPTO_BUFFER_len(certificate)
            return Array(UnsafeBufferPointer(start: CNIOBoringSSL_CRYPTO_BUFFER_data(certificate), count: count))
        }
    }
}
