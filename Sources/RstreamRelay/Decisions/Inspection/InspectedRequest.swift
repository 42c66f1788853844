// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A request that passed through a stream, and what was answered.
package struct InspectedRequest: Hashable, Sendable {
    /// How it ended, or why nothing more is known of it and of its stream.
    package enum End: String, Hashable, Sendable, CaseIterable {
        /// Its response is complete.
        case complete
        /// The connection is another protocol's from here on, as after 101 or CONNECT.
        case upgraded
        /// The stream ended before.
        case cut
        /// The visitor speaks HTTP/2.
        case http2
        /// What the visitor sent is no HTTP/1, or not beyond doubt.
        case malformedRequest
        case malformedResponse
        /// A head is longer than ``HTTPHeadReader`` reads.
        case longHead
        /// The service answered without being asked.
        case unaskedResponse
        /// More requests wait for their responses than are remembered.
        case pipelined
        /// The memory for requests of all streams was full.
        case noMemory

        /// Whether the rest of the stream is not looked at.
        package var endsInspection: Bool { self != .complete }
    }

    /// Nil where the visitor sent nothing that was understood.
    package var method: String?
    /// What was asked for, with secrets of its query hidden; nil where ``method`` is.
    package var target: String?
    package var requestHeaders = InspectedHeaders()
    /// Bytes of the body, without what delimits its chunks.
    package var requestBytes = 0
    /// The status; nil where none came.
    package var status: Int?
    package var responseHeaders = InspectedHeaders()
    package var responseBytes = 0
    /// Nil where no client asked for bodies when the request began. They are for those clients alone, and not remembered.
    package var bodies: InspectedBodies?
    /// From the first byte of the request to the last one of the response, as far as they came.
    package var duration = Duration.zero
    package var end = End.complete

    /// Bytes of a request's target; it is cut, and ends with an ellipsis then.
    package static let longestTarget = 2 * 1_024
    /// What it takes beside its texts, with room for what the allocator adds.
    static let overhead = 512

    /// What it takes of the memory for requests.
    package var size: Int { sizeOfHeads + (bodies?.size ?? 0) }

    /// The same without its bodies.
    var sizeOfHeads: Int {
        Self.overhead + (target?.utf8.count ?? 0) + requestHeaders.size + responseHeaders.size
    }

    /// The most that it takes without its bodies.
    package static let largest = overhead + longestTarget + 2 * InspectedHeaders.most
}
