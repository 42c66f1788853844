import NIOHTTP1
import RstreamModel

/// The headers of one message as they go on: without those that are about the connection they came on (RFC 9110 §7.6.1), and
/// with those that say where its body ends on the next one (RFC 9112 §6).
enum MessageHeaders {
    /// Fields of one connection, whether `Connection` names them or not.
    private static let hopByHop = [
        "connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade", "http2-settings",
    ]

    /// What of these headers is about the message itself.
    static func endToEnd(_ headers: HTTPHeaders) -> HTTPHeaders {
        let named = headers[canonicalForm: "connection"].map { $0.asciiLowercased }
        let kept = headers.filter { name, _ in
            let name = name.asciiLowercased
            return !hopByHop.contains(name) && !named.contains { $0.sameBytes(as: name) }
        }
        return HTTPHeaders(kept.map { ($0.name, $0.value) })
    }

    /// The protocol that a request asks for or a response agrees to, in `Upgrade`.
    ///
    /// What counts is what NIO's decoder takes for an upgrade, as it stops there: it trims blanks and no tabs.
    static func upgrade(_ headers: HTTPHeaders) -> String? {
        let options = headers["connection"].flatMap { $0.split(byte: ",") }
        return options.contains(where: isUpgrade) ? headers.first(name: "upgrade") : nil
    }

    private static func isUpgrade(_ option: Substring) -> Bool {
        let blank = UInt8(ascii: " ")
        guard let start = option.utf8.firstIndex(where: { $0 != blank }),
            let last = option.utf8.lastIndex(where: { $0 != blank })
        else { return false }
        return option[start...last].asciiLowercased.sameBytes(as: "upgrade")
    }

    /// Whether the fields can stand in a message of HTTP/1.1, where the end of a line ends a field. HTTP/2 can carry more
    /// (RFC 9113 §10.3).
    static func areValid(_ headers: HTTPHeaders) -> Bool {
        headers.allSatisfy { name, value in
            RequestMethod.isToken(name) && value.utf8.allSatisfy { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }
        }
    }

    /// Whether its sender cannot say how long the message will be.
    static func isChunked(_ headers: HTTPHeaders) -> Bool { headers.contains(name: "transfer-encoding") }

    /// A response as its visitor gets it.
    struct Response {
        /// The head, for the connection that it goes to.
        var head: HTTPResponseHead
        /// Whether a body follows.
        let hasBody: Bool
        /// Whether it can be told where the body ends, without the end of the connection.
        let isDelimited: Bool

        /// - Parameters:
        ///   - head: what the service said.
        ///   - request: what it is the response to, as the visitor sent it.
        init(_ head: HTTPResponseHead, to request: HTTPRequestHead) {
            var headers = MessageHeaders.endToEnd(head.headers)
            hasBody = request.method != .HEAD && head.status.mayHaveResponseBody
            let hasLength = headers.contains(name: "content-length")
            if hasBody, !hasLength, request.version == .http1_1 {
                headers.add(name: "Transfer-Encoding", value: "chunked")
            }
            isDelimited = !hasBody || hasLength || request.version != .http1_0
            self.head = HTTPResponseHead(version: .http1_1, status: head.status, headers: headers)
        }
    }
}
