// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// The latest requests of one tunnel, which are kept while it is inspected (contract §6).
package struct TunnelRequests: Codable, Hashable, Sendable {
    /// Whether the tunnel has `inspect: true`. One that has not has no requests.
    package var inspected: Bool
    /// All requests that ended since the daemon started, those that are no longer kept included.
    @Count package var total: Int
    /// Those that are kept, in the order in which they ended.
    package var requests: [RequestStatus]

    package init(inspected: Bool, total: Int = 0, requests: [RequestStatus] = []) {
        self.inspected = inspected
        self.total = total
        self.requests = requests
    }
}

/// A request that passed through a tunnel, and its response. What may be a secret reads `***`.
package struct RequestStatus: Codable, Hashable, Sendable {
    /// How it ended, or why nothing more is known of it and of its stream.
    package struct End: OpenEnum {
        /// Its response is complete.
        package static let complete = Self(rawValue: "complete")
        /// What follows is another protocol, as after 101 or CONNECT.
        package static let upgraded = Self(rawValue: "upgraded")
        /// The stream ended before.
        package static let cut = Self(rawValue: "cut")
        package static let http2 = Self(rawValue: "http2")
        package static let malformedRequest = Self(rawValue: "malformedRequest")
        package static let malformedResponse = Self(rawValue: "malformedResponse")
        package static let longHead = Self(rawValue: "longHead")
        package static let unaskedResponse = Self(rawValue: "unaskedResponse")
        /// Too many requests of the stream wait for their responses.
        package static let pipelined = Self(rawValue: "pipelined")
        /// The memory for requests is full.
        package static let noMemory = Self(rawValue: "noMemory")
        package static let allCases: [Self] = [
            .complete, .upgraded, .cut, .http2, .malformedRequest, .malformedResponse, .longHead, .unaskedResponse,
            .pipelined, .noMemory,
        ]

        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }

        /// What it means, for people; nil for a request that ended as it should.
        package var explanation: String? {
            switch self {
            case .complete: nil
            case .upgraded: "another protocol follows on this stream"
            case .cut: "the stream ended before the response did"
            case .http2: "not inspected: the visitor speaks HTTP/2"
            case .malformedRequest: "not inspected any further: the visitor sent what is no HTTP/1.1 beyond doubt"
            case .malformedResponse: "not inspected any further: the service sent what is no HTTP/1.1 beyond doubt"
            case .longHead: "not inspected any further: a head is too long"
            case .unaskedResponse: "not inspected any further: the service sent a response without a request"
            case .pipelined: "not inspected any further: too many requests wait for their responses"
            case .noMemory: "not inspected any further: the memory for requests is full"
            default: rawValue
            }
        }
    }

    /// Counts the requests of the tunnel, from one on.
    @Count package var id: Int
    /// The stream that it came by.
    package var stream: String
    /// Who sent it; null when the engine did not say.
    @OrNull package var source: String?
    /// When its first byte came.
    package var time: UTCTime
    /// Null where the visitor sent nothing that was understood.
    @OrNull package var method: String?
    /// With its query; null where the method is.
    @OrNull package var path: String?
    /// The status of the response; null where none came.
    @OrNull package var status: Int?
    /// From the first byte of the request to the last one of the response.
    package var durationSeconds: Double
    /// The bytes of both bodies.
    package var bytes: ByteCounts
    package var end: End
    /// Null for a client that may only read.
    @OrNull package var requestHeaders: [RequestHeader]?
    /// Null for a client that may only read.
    @OrNull package var responseHeaders: [RequestHeader]?
    /// Whether there were more headers than are kept.
    package var headersCut: Bool
    /// The bodies: only for a client that captures requests, and of those that began while one did.
    package var requestBody: CapturedBody?
    package var responseBody: CapturedBody?
    /// How many requests ended before this one that the client, which captures them, was too slow for.
    package var missed: Count?

    package init(
        id: Int,
        stream: String,
        source: String? = nil,
        time: UTCTime,
        method: String? = nil,
        path: String? = nil,
        status: Int? = nil,
        durationSeconds: Double = 0,
        bytes: ByteCounts = ByteCounts(),
        end: End = .complete,
        requestHeaders: [RequestHeader]? = nil,
        responseHeaders: [RequestHeader]? = nil,
        headersCut: Bool = false,
        requestBody: CapturedBody? = nil,
        responseBody: CapturedBody? = nil
    ) {
        self.id = id
        self.stream = stream
        _source = OrNull(wrappedValue: source)
        self.time = time
        _method = OrNull(wrappedValue: method)
        _path = OrNull(wrappedValue: path)
        _status = OrNull(wrappedValue: status)
        self.durationSeconds = durationSeconds
        self.bytes = bytes
        self.end = end
        _requestHeaders = OrNull(wrappedValue: requestHeaders)
        _responseHeaders = OrNull(wrappedValue: responseHeaders)
        self.headersCut = headersCut
        (self.requestBody, self.responseBody) = (requestBody, responseBody)
    }
}

/// The beginning of a body, as it was sent: a coding such as gzip is not undone, and no secret is hidden.
package struct CapturedBody: Codable, Hashable, Sendable {
    package var base64: String
    /// Whether bytes are missing that have passed.
    package var cut: Bool

    package init(bytes: [UInt8], cut: Bool = false) {
        base64 = String(decoding: Base64.encode(bytes), as: UTF8.self)
        self.cut = cut
    }

    /// Nil where the text is no Base64.
    package var bytes: [UInt8]? { Base64.decode(base64.utf8) }
}

/// A header of a request or a response.
package struct RequestHeader: Codable, Hashable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}
