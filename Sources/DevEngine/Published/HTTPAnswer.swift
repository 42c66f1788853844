import NIOCore
import NIOHTTP1

/// A whole HTTP response of the engine itself. The connection ends with it, which keeps both sides simple.
struct HTTPAnswer {
    var status: HTTPResponseStatus
    var contentType: String
    var body: String
    var headers: [(String, String)] = []

    static func text(_ status: HTTPResponseStatus, _ text: String) -> Self {
        Self(status: status, contentType: "text/plain; charset=utf-8", body: text + "\n")
    }

    static func badGateway(_ text: String) -> Self { .text(.badGateway, text) }

    static func json(_ value: some Encodable, status: HTTPResponseStatus = .ok) -> Self {
        guard let text = JSON.text(value) else { return .text(.internalServerError, "The answer cannot be encoded.") }
        return Self(status: status, contentType: "application/json", body: text)
    }

    func send(to connection: Connection) {
        var buffer = ByteBuffer.responseHead(
            status,
            headers + [
                ("Content-Type", contentType), ("Content-Length", String(body.utf8.count)), ("Connection", "close"),
            ]
        )
        if !connection.wantsHeadOnly { buffer.writeString(body) }
        connection.send(buffer)
        connection.dismiss()
    }
}

extension ByteBuffer {
    /// Status line and headers.
    static func responseHead(_ status: HTTPResponseStatus, _ headers: [(String, String)]) -> ByteBuffer {
        var buffer = ByteBuffer(string: "HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n")
        for (name, value) in headers { buffer.writeString("\(name): \(value)\r\n") }
        buffer.writeString("\r\n")
        return buffer
    }
}
