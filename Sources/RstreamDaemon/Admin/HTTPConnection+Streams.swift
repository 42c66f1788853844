// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import NIOCore
internal import NIOHTTP1
internal import RstreamAdmin
internal import RstreamModel
internal import RstreamRelay

/// Replies that are as long as their readers stay: events, and requests with their bodies (contract §6).
extension HTTPConnection {
    typealias Outbound = NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>

    /// How often an idle reader gets a comment, which shows that the daemon is still there.
    private static let keepAliveInterval = Duration.seconds(15)
    private static let keepAlive = ": still here\n\n"
    /// Behind what the daemon had stored.
    private static let endOfBacklog = ": end of backlog\n\n"

    /// Runs `body` as a reader of events until it returns, or the client is gone, which a long wait does not notice.
    func withReader(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await events.withReader {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await waitUntilGone()
                    try Task.checkCancellation()
                    throw ChannelError.ioOnClosedChannel
                }
                group.addTask { try await body() }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
    }

    /// Waits until the connection is closed, or the task is cancelled.
    private func waitUntilGone() async {
        let gone = channel.channel.eventLoop.makePromise(of: Void.self)
        channel.channel.closeFuture.whenComplete { _ in gone.succeed() }
        await withTaskCancellationHandler {
            try? await gone.futureResult.get()
        } onCancel: {
            gone.succeed()
        }
    }

    private func write(_ text: String, _ outbound: Outbound) async throws {
        try await outbound.write(.body(.byteBuffer(ByteBuffer(string: text))))
    }

    // MARK: Events

    /// Writes events until the ring is closed or the task is cancelled.
    func write(eventsFrom first: Int, _ outbound: Outbound) async throws {
        var next = first
        var hasSentBacklog = false
        while true {
            let reading = events.read(from: next)
            next = reading.next
            var text = Self.missed(reading)
            for record in reading.records { text += record.text(Self.text) }
            if !hasSentBacklog { text += Self.endOfBacklog }
            hasSentBacklog = true
            if !text.isEmpty { try await write(text, outbound) }
            guard try await waitForEvent(next, outbound) else { return }
        }
    }

    /// Waits for the next event, and sends comments meanwhile. Returns false when there will be none.
    private func waitForEvent(_ next: Int, _ outbound: Outbound) async throws -> Bool {
        while true {
            let hasEvent = await withTaskGroup(of: Bool?.self) { group in
                group.addTask { await events.wait(for: next) }
                group.addTask {
                    try? await pause(for: Self.keepAliveInterval)
                    return nil
                }
                let first = await group.next() ?? nil
                group.cancelAll()
                return first
            }
            if let hasEvent { return hasEvent }
            if Task.isCancelled { return false }
            try await write(Self.keepAlive, outbound)
        }
    }

    private static func missed(_ reading: EventRing.Reading) -> String {
        guard reading.missed > 0 || reading.isFromOtherProcess else { return "" }
        var event = Event(time: reading.events.first?.time ?? .now, type: "events.missed")
        // A reader that reconnects with this id continues after the gap.
        event.id = (reading.events.first?.id ?? reading.next) - 1
        event.missed = Count(wrappedValue: reading.missed)
        if reading.isFromOtherProcess {
            event.message = "the last event read was another process's; some events may be missing"
        }
        return text(event)
    }

    private static func text(_ event: Event) -> String {
        let json = (try? AdminJSON.encode(event)) ?? []
        return "id: \(event.id)\nevent: \(event.type)\ndata: \(String(decoding: json, as: UTF8.self))\n\n"
    }

    // MARK: Requests

    /// Writes the requests of a tunnel as they end, until its inspection or the ring of events does, or the task is
    /// cancelled.
    func write(requestsOf log: RequestLog, _ outbound: Outbound) async throws {
        guard let capture = log.capture() else { return }
        defer { log.end(capture) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await events.waitUntilClosed() }
            group.addTask {
                while true {
                    try await pause(for: Self.keepAliveInterval)
                    try await write(Self.keepAlive, outbound)
                }
            }
            group.addTask {
                try await write(Self.endOfBacklog, outbound)
                try await capture.read { try await write(Self.text(RequestStatus($0)), outbound) }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private static func text(_ request: RequestStatus) -> String {
        let json = (try? AdminJSON.encode(request)) ?? []
        return "event: request\ndata: \(String(decoding: json, as: UTF8.self))\n\n"
    }
}
