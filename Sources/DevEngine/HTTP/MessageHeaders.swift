// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOHTTP1
import RstreamModel

/// Rewrites the headers of a forwarded message: removes hop-by-hop fields (RFC 9110 §7.6.1), and adds those that frame
/// its body on the next connection (RFC 9112 §6).
enum MessageHeaders {
    /// Hop-by-hop fields, whether `Connection` names them or not.
    private static let hopByHop = [
        "connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade", "http2-settings",
    ]

    /// The end-to-end fields. The length is one of them even if `Connection` names it: without it the next server takes the
    /// body for another request.
    static func endToEnd(_ headers: HTTPHeaders) -> HTTPHeaders {
        let named = headers[canonicalForm: "connection"].map { $0.asciiLowercased }
        let kept = headers.filter { name, _ in
            let name = name.asciiLowercased
            return name == "content-length" || !hopByHop.contains(name) && !named.contains { $0.sameBytes(as: name) }
        }
        return HTTPHeaders(kept.map { ($0.name, $0.value) })
    }

    /// The protocol that a request asks for or a response agrees to, in `Upgrade`.
    ///
    /// It follows NIO's decoder, which stops reading at an upgrade: it trims spaces but not tabs.
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

    /// Whether the fields are valid in HTTP/1.1, where a line break ends a field. HTTP/2 allows more (RFC 9113 §10.3).
    static func areValid(_ headers: HTTPHeaders) -> Bool {
        headers.allSatisfy { name, value in
            RequestMethod.isToken(name) && value.utf8.allSatisfy { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }
        }
    }

    /// Whether the length of the body is said once at most, and in digits. NIO's HTTP/2 takes a sign, and repeats.
    static func haveValidLength(_ headers: HTTPHeaders) -> Bool {
        let lengths = headers["content-length"]
        return lengths.count <= 1
            && lengths.allSatisfy { length in
                !length.isEmpty && length.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            }
    }

    /// Whether the length of the body is unknown.
    static func isChunked(_ headers: HTTPHeaders) -> Bool { headers.contains(name: "transfer-encoding") }

    /// A response rewritten for the visitor.
    struct Response {
        /// The head for the visitor's connection.
        var head: HTTPResponseHead
        /// Whether a body follows.
        let hasBody: Bool
        /// Whether the body ends without the end of the connection.
        let isDelimited: Bool

        /// - Parameters:
        ///   - head: the head of the service's response.
        ///   - request: the visitor's request.
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
