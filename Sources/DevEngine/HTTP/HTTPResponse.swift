// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOHTTP1

/// A complete HTTP response of the engine itself.
struct HTTPResponse {
    var status: HTTPResponseStatus
    var contentType: String
    var body: String
    var headers: [(String, String)] = []

    static func text(_ status: HTTPResponseStatus, _ text: String) -> Self {
        Self(status: status, contentType: "text/plain; charset=utf-8", body: text + "\n")
    }

    static func badGateway(_ text: String) -> Self { .text(.badGateway, text) }

    static func json(_ value: some Encodable, status: HTTPResponseStatus = .ok) -> Self {
        guard let text = JSON.text(value) else { return .text(.internalServerError, "The response cannot be encoded.") }
        return Self(status: status, contentType: "application/json", body: text)
    }

    var head: HTTPResponseHead {
        let own = [("Content-Type", contentType), ("Content-Length", String(body.utf8.count))]
        return HTTPResponseHead(version: .http1_1, status: status, headers: HTTPHeaders(headers + own))
    }

    /// Sends the response without a valid request, and closes the connection.
    func end(_ connection: Connection) {
        var answer = ByteBuffer(string: "HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n")
        for (name, value) in head.headers { answer.writeString("\(name): \(value)\r\n") }
        answer.writeString("Connection: close\r\n\r\n\(body)")
        connection.send(answer)
        connection.lingeringClose()
    }
}
