// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import RstreamModel

/// Why there is no listing, or no stream of events.
package enum DockerFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// No connection can be made, or it broke.
    case notReachable(String)
    /// This user may not open the socket.
    case notPermitted
    /// The connection was accepted, and no whole answer came for this long.
    case silent(after: Duration)
    /// The connection ended before an answer did.
    case cutShort
    /// Another status than 200, and what the API says about it.
    case refused(status: UInt, String)
    /// The list of containers is longer than any.
    case tooMuch
    /// What came is no answer of the API.
    case badAnswer(String)

    /// The failure that an error on a connection means.
    init(_ error: any Error) {
        switch error {
        case let failure as DockerFailure: self = failure
        case let error as IOError where error.errnoCode == EACCES || error.errnoCode == EPERM: self = .notPermitted
        case let error as IOError: self = .notReachable(SystemError.reason(error.errnoCode))
        case let error as NIOConnectionError:
            // Of several addresses, the first that was tried tells why.
            self = error.connectionErrors.first.map { Self($0.error) } ?? .notReachable("its name has no address")
        case HTTPParserError.invalidEOFState: self = .cutShort
        case is HTTPParserError: self = .badAnswer("it is no HTTP")
        case ChannelError.connectTimeout: self = .notReachable(SystemError.reason(ETIMEDOUT))
        case is CancellationError: self = .notReachable("the call was given up")
        default: self = .notReachable("the connection broke, or none could be made")
        }
    }

    package var description: String {
        switch self {
        case .notReachable(let reason): reason
        case .notPermitted: "this user may not open the socket; the group docker may"
        case .silent(let limit): "it has not answered within \(limit.secondsText)"
        case .cutShort: "it ended the connection in the middle of an answer"
        case .refused(let status, let message):
            message.isEmpty ? "it answers with status \(status)" : "it answers with status \(status): \(message)"
        case .tooMuch: "its list of containers is too long; run fewer containers, or give them shorter labels"
        case .badAnswer(let what): "its answer cannot be read: \(what)"
        }
    }
}
