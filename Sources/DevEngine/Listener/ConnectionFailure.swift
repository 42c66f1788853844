// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Linux
import NIOCore
import NIOHTTP1
import NIOSSL

/// Why a connection broke, as a text for the operator; texts of libraries are for their developers.
enum ConnectionFailure {
    static func text(_ error: any Error) -> String {
        switch error {
        case let error as IOError where [ECONNRESET, EPIPE].contains(error.errnoCode): "connection reset"
        case let error as IOError: SystemError.reason(error.errnoCode)
        case NIOSSLError.uncleanShutdown: "connection closed without close_notify"
        case HTTPParserError.invalidEOFState: "connection closed within the response"
        case is HTTPParserError: "invalid HTTP"
        case is NIOSSLError, is BoringSSLError: "TLS failed"
        default: "connection broken"
        }
    }
}
