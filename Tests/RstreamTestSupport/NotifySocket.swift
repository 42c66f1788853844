// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Dispatch

/// What systemd would be told: a socket in systemd's place, for `$NOTIFY_SOCKET`.
package struct NotifySocket: Sendable {
    package let path: String
    /// The datagrams so far, each whole.
    package let said = Observed<[String]>([])

    /// Listens for as long as a body runs.
    package static func with<Result>(
        in folder: ProcessFolder,
        _ body: (NotifySocket) async throws -> Result
    ) async throws -> Result {
        let notify = NotifySocket(path: "\(folder.path)/notify")
        let socket = try DatagramSocket(path: notify.path)
        let descriptor = socket.descriptor
        let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: DispatchQueue(label: "notify"))
        source.setEventHandler { [said = notify.said] in
            while case let bytes = DatagramSocket.next(descriptor), !bytes.isEmpty {
                let text = String(decoding: bytes, as: UTF8.self)
                said.change { $0.append(text) }
            }
        }
        source.resume()
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await body(notify))
        } catch {
            result = .failure(error)
        }
        // The socket may be closed only when nothing reads it any more.
        await withCheckedContinuation { continuation in
            source.setCancelHandler { continuation.resume() }
            source.cancel()
        }
        _ = consume socket
        return try result.get()
    }

    /// Waits until something is said that begins like this, after the first `mark` datagrams, and returns all that was
    /// said from there on.
    @discardableResult
    package func wait(for beginning: String, from mark: Int = 0) async throws -> [String] {
        let said = try await said.wait(for: "\(beginning) to be said") { said in
            said.dropFirst(mark).contains { $0.hasPrefix(beginning) }
        }
        return Array(said.dropFirst(mark))
    }
}
