// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore

@testable import DevEngine

/// The first bytes of a connection to the dev engine: its judgement needs no more bytes once it is made, and records end
/// at the same places however they arrive.
enum ClientHellos {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        let verdict = ClientHello.read(ByteBuffer(bytes: bytes))
        for count in [bytes.count / 4, bytes.count / 2, bytes.count - bytes.count / 8] {
            let earlier = ClientHello.read(ByteBuffer(bytes: bytes.prefix(count)))
            guard earlier != .needMore else { continue }
            try demand(earlier == verdict, "\(earlier) after \(count) bytes is \(verdict) after \(bytes.count)")
        }
        if case .hello(let hello) = verdict, let name = hello.serverName {
            try demand((1...255).contains(name.utf8.count) || name.isEmpty, "a name has \(name.utf8.count) bytes")
            try demand(name.utf8.allSatisfy { (0x21...0x7E).contains($0) }, "a name is \(name)")
        }
        var ends: Set<Bool> = []
        for way in deliveries(of: bytes) {
            var tracker = TLSRecordTracker()
            for piece in way { tracker.append(ByteBuffer(bytes: piece)) }
            ends.insert(tracker.areComplete)
        }
        try demand(ends.count == 1, "the records end somewhere else in pieces")
    }
}
