// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamAdmin
import RstreamTestSupport

/// Asks a daemon over its admin socket, byte by byte as the test wants it.
struct AdminSocket: Sendable {
    let path: String

    /// An answer, with the names of its headers in lower case.
    struct Answer: Sendable, CustomStringConvertible {
        var status: Int
        var headers: [String: String]
        var body: String

        var description: String { "\(status) \(headers) \(body.prefix(2_000))" }

        var problem: Problem? { try? AdminJSON.decode(Problem.self, from: body.utf8) }

        func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
            try AdminJSON.decode(type, from: body.utf8)
        }

        /// Reads answers until the text ends.
        static func all(in text: String) -> [Answer] {
            var answers: [Answer] = []
            var rest = text[...]
            while let end = rest.firstRange(of: "\r\n\r\n") {
                let lines = rest[..<end.lowerBound].components("\r\n")
                var answer = Answer(
                    status: Int(lines[0].split(separator: " ").dropFirst().first ?? "") ?? 0,
                    headers: [:],
                    body: ""
                )
                for line in lines.dropFirst() {
                    let parts = line.split(separator: ":", maxSplits: 1)
                    answer.headers[parts[0].lowercased()] = String(parts.last?.drop { $0 == " " } ?? "")
                }
                rest = rest[end.upperBound...]
                let length = answer.headers["content-length"].flatMap(Int.init) ?? 0
                answer.body = String(decoding: rest.utf8.prefix(length), as: UTF8.self)
                rest = Substring(rest.utf8.dropFirst(length))
                answers.append(answer)
            }
            return answers
        }
    }

    func connect(reads: Bool = true) async throws -> TestConnection {
        try await .connect(to: SocketAddress(unixDomainSocketPath: path), reads: reads)
    }

    static func request(
        _ method: String,
        _ target: String,
        _ body: String? = nil,
        headers: [String: String] = [:],
        close: Bool = true
    ) -> String {
        var lines = ["\(method) \(target) HTTP/1.1", "Host: localhost"]
        if close { lines.append("Connection: close") }
        if let body { lines += ["Content-Length: \(body.utf8.count)"] }
        if body != nil, headers["Content-Type"] == nil { lines.append("Content-Type: application/json") }
        lines += headers.map { "\($0): \($1)" }
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
    }

    /// Sends bytes as they are, and returns everything that comes back before the daemon closes.
    func send(_ text: String) async throws -> String {
        let connection = try await connect()
        try? await connection.send(text)
        let state = try await connection.state.wait(for: "the answer's end") { $0.isOver }
        await connection.close()
        let answer = String(buffer: state.received)
        LibraryText.examine(answer, saidBy: "the admin API")
        return answer
    }

    func call(
        _ method: String,
        _ target: String,
        _ body: String? = nil,
        headers: [String: String] = [:]
    ) async throws -> Answer {
        let text = try await send(Self.request(method, target, body, headers: headers))
        guard let answer = Answer.all(in: text).first else { throw DeadlinePassed(what: "an answer", state: text) }
        return answer
    }

    func get<Value: Decodable>(_ target: String, as type: Value.Type = Value.self) async throws -> Value {
        try await call("GET", target).decode(type)
    }

    /// Requests events, and returns once the daemon has sent the backlog.
    func events(after id: Int? = nil) async throws -> EventReader {
        let connection = try await connect()
        let headers = id.map { ["Last-Event-ID": "\($0)"] } ?? [:]
        try await connection.send(Self.request("GET", "/v1/events", headers: headers))
        try await connection.state.wait(for: "the end of the backlog") {
            $0.isOver || String(buffer: $0.received).contains(": end of backlog")
        }
        return EventReader(connection: connection)
    }
}

/// What a reader of events has got so far.
struct EventReader: Sendable {
    let connection: TestConnection

    static func events(in state: TestConnection.State) -> [Event] {
        String(buffer: state.received).split(separator: "\n").filter { $0.hasPrefix("data: ") }
            .compactMap { try? AdminJSON.decode(Event.self, from: $0.dropFirst("data: ".count).utf8) }
    }

    var events: [Event] { Self.events(in: connection.state.value) }

    /// Everything up to the first event that is wanted.
    @discardableResult
    func wait(for what: String, until isWanted: @escaping @Sendable (Event) -> Bool) async throws -> [Event] {
        let state = try await connection.state.wait(for: "the event \(what)") {
            Self.events(in: $0).contains(where: isWanted)
        }
        let events = Self.events(in: state)
        let index = events.firstIndex(where: isWanted) ?? events.endIndex
        return Array(events[...index])
    }

    @discardableResult
    func wait(for type: String, _ name: String? = nil) async throws -> [Event] {
        try await wait(for: "\(type) \(name ?? "")") { event in
            event.type == type && (name == nil || event.tunnel == name || event.context == name)
        }
    }
}

extension StringProtocol {
    fileprivate func components(_ separator: String) -> [SubSequence] {
        var parts: [SubSequence] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts.append(rest[..<range.lowerBound])
            rest = rest[range.upperBound...]
        }
        return parts + [rest]
    }
}
