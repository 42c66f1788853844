// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOHTTP1
import RstreamModel

@testable import DevEngine

/// A visitor's head of HTTP/2 at the dev engine's edge, in which any byte may stand that HTTP/1 takes for the end of
/// something: the service reads this one request, or the engine refuses it.
///
/// The input is method, target, body and fields behind one another, with bytes 0x1E between them, and 0x1F between the name
/// and the value of a field.
enum EdgeHeads {
    /// NIO's HTTP/2 refuses requests with them.
    private static let ofConnections = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]

    static func check(_ bytes: [UInt8]) throws(Finding) {
        let parts = bytes.split(separator: 0x1E, omittingEmptySubsequences: false).map { Array($0) }
        // Our reader of HTTP/1 takes no longer methods.
        guard parts.count >= 3, parts[0].count < 64 else { return }
        // NIO's HTTP/2 makes them like this, without a check of the names.
        let headers = HTTPHeaders(
            parts.dropFirst(3).map { field in
                let sides = field.split(separator: 0x1F, maxSplits: 1, omittingEmptySubsequences: false)
                return (Array(sides[0]).text, sides.count > 1 ? Array(sides[1]).text : "")
            }
        )
        let version = NIOHTTP1.HTTPVersion(major: 2, minor: 0)
        let method = HTTPMethod(rawValue: parts[0].text)
        let head = HTTPRequestHead(version: version, method: method, uri: parts[1].text, headers: headers)
        let target = RequestTarget(head)
        guard target.problem == nil, method != .CONNECT, !ofConnections.contains(where: { headers.contains(name: $0) })
        else { return }
        // NIO's HTTP/2 compares it with what comes.
        if let length = headers.first(name: "content-length"), Int(length) != parts[2].count { return }
        let request = HTTPRequest(head: head, body: parts[2], isComplete: true)
        for hidesToken in [false, true] {
            try EdgeRequests.forward(request, target, hidesToken: hidesToken, hasBody: !request.body.isEmpty)
        }
    }
}
