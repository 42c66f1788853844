internal import NIOCore
internal import NIOSSL
internal import NIOTLS
internal import RstreamModel

/// Stands behind TLS and insists that the peer's certificate is the peer's.
///
/// NIOSSL is content when a certificate names the IP address of the connection, also where a host name was asked for.
/// Then whoever answers for a name (a forged DNS reply is enough) needs a certificate for no more than an address of
/// his own. A certificate without addresses was judged by its names, so only one with addresses is looked at again.
/// An engine that is known by its address is looked at here in any case: through a proxy nobody else does.
///
/// Confined to the channel's event loop.
final class ServerNameHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let name: String
    private let tls: NIOSSLClientHandler

    /// Judges by `name`, a host name or an IP literal, what `tls` was shown.
    init(name: String, tls: NIOSSLClientHandler) {
        self.name = name
        self.tls = tls
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted = event, !isNamed else {
            return context.fireUserInboundEventTriggered(event)
        }
        context.fireErrorCaught(NIOSSLExtraError.failedToValidateHostname)
        context.close(promise: nil)
    }

    private var isNamed: Bool {
        guard let names = tls.peerCertificate?._subjectAlternativeNames() else { return false }
        if let address = IPAddress(name) {
            return names.contains { $0.nameType == .ipAddress && $0.contents.elementsEqual(address.octets) }
        }
        guard names.contains(where: { $0.nameType == .ipAddress }) else { return true }
        return names.contains { candidate in
            candidate.nameType == .dnsName
                && Self.matches(
                    name,
                    candidate.contents.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
                )
        }
    }

    /// Whether a certificate's name is this host's: the same, or the same behind a `*` for its whole first label
    /// (RFC 6125 §6.4).
    static func matches(_ host: String, _ pattern: String) -> Bool {
        let (host, pattern) = (labels(of: host), labels(of: pattern))
        guard host.count == pattern.count, let first = pattern.first else { return false }
        if first == "*" { return host.count > 2 && host.dropFirst() == pattern.dropFirst() }
        return host == pattern
    }

    private static func labels(of name: String) -> [String] {
        let name = name.hasSuffix(".") ? name.dropLast() : name[...]
        return name.lowercased().split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    }
}
