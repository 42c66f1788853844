// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import RstreamAdmin
internal import RstreamModel

/// A connection to the admin socket that has become a stream to a private tunnel. Every call blocks its thread.
struct DialStream: Sendable {
    /// A dial may take 15 s, and a daemon that hangs never answers.
    private static let patience = Duration.seconds(30)

    private let stream: LocalStream

    /// Connects, and waits until the tunnel was dialed.
    init(_ socket: String, _ route: Route) throws(AdminClientError) {
        let request =
            "\(route.method) \(route.path) HTTP/1.1\r\nHost: rstreamd\r\nContent-Length: 0\r\n"
            + "Connection: Upgrade\r\nUpgrade: rstream-stream\r\n\r\n"
        let (head, body): (DialHead, [UInt8])
        do throws(SystemError) {
            stream = try LocalStream(connectingTo: socket)
            try stream.write(Array(request.utf8))
            head = try Self.readHead(stream)
            body = head.status == 101 ? [] : try stream.read(head.bodyLength, within: Self.patience)
        } catch {
            throw Self.failure(error, socket)
        }
        guard head.status != 101 else { return }
        guard let problem = try? AdminJSON.decode(Problem.self, from: body) else {
            throw head.status == nil
                ? .notReachable(socket: socket, reason: "the connection ended before the answer did")
                : .badReply("status \(head.status ?? 0)")
        }
        switch problem.code {
        case .unknownPath, .methodNotAllowed: throw .unknownCall("\(route.method) \(route.path)", version: nil)
        default: throw .problem(problem)
        }
    }

    /// Byte by byte: what follows is the stream's.
    private static func readHead(_ stream: LocalStream) throws(SystemError) -> DialHead {
        var head = DialHead()
        while !head.isComplete, let byte = try stream.read(1, within: patience).first { head.append(byte) }
        return head
    }

    private static func failure(_ error: SystemError, _ socket: String) -> AdminClientError {
        switch error.code {
        case EACCES, EPERM: .notPermitted(socket: socket)
        case ENOENT, ECONNREFUSED: .absent(socket: socket, reason: error.reason)
        case ETIMEDOUT: .silent(socket: socket, after: patience)
        default: .notReachable(socket: socket, reason: error.reason)
        }
    }

    /// Sends everything that comes from a descriptor, and then its end.
    func send(allOf input: Int32) {
        do throws(SystemError) {
            try stream.send(allOf: input)
        } catch {
            // The tunnel takes no more; what it still sends is received.
            stream.endOutput()
        }
    }

    /// Writes everything that the tunnel sends to a descriptor. Returns why it could not; nil after the tunnel's end.
    func receive(into output: Int32) -> Failure? {
        do throws(SystemError) {
            try stream.receive(into: output)
            return nil
        } catch {
            let what = error.call.sameBytes(as: "write") ? "standard output" : "the tunnel"
            return Failure(.failed, "\(what): \(error.reason)")
        }
    }
}

/// The head of the answer to a dial, byte by byte.
struct DialHead: Hashable, Sendable {
    private static let longest = 16 * 1_024
    private static let longestBody = 64 * 1_024

    private var text: [UInt8] = []
    /// Whether the blank line has come, or more than any head is long.
    private(set) var isComplete = false

    mutating func append(_ byte: UInt8) {
        text.append(byte)
        isComplete = text.suffix(4).elementsEqual("\r\n\r\n".utf8) || text.count >= Self.longest
    }

    private var lines: [String] {
        String(decoding: text, as: UTF8.self).split(byte: "\n").map { $0.trimmed }
    }

    /// Nil for an answer that is no HTTP.
    var status: Int? {
        guard let line = lines.first, line.startsWithBytes(of: "HTTP/1.1 ") else { return nil }
        return Int(String(decoding: line.utf8.dropFirst(9).prefix(3), as: UTF8.self))
    }

    /// Bytes that follow an answer without a stream.
    var bodyLength: Int {
        let name = "content-length:"
        guard let line = lines.first(where: { $0.asciiLowercased.startsWithBytes(of: name) }) else { return 0 }
        let length = Int(String(decoding: line.utf8.dropFirst(name.utf8.count), as: UTF8.self).trimmed) ?? 0
        return min(max(0, length), Self.longestBody)
    }
}
