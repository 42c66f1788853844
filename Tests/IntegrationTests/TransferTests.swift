// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

extension Integration {
    @Suite struct TransferTests {
        static let mebibyte = 1_024 * 1_024

        @Test("200 MiB up and down at once arrive whole, the visitor half-closing behind its upload")
        func largeExchange() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.with(tunnels: Pair.raw(upstream)) { pair in
                    let port = try await pair.rawPort()
                    let amount = 200 * Self.mebibyte
                    let time = try await ContinuousClock().measure {
                        let plan = Exchange(seed: 1, upload: amount, download: amount)
                        try await Visitor.exchange(plan, port: port, within: .minutes(3))
                    }
                    let memory = ProcessFacts.residentBytes(of: pair.daemon.process.pid)
                    let rate = Int(Double(2 * amount / Self.mebibyte) / time.inSeconds)
                    print(
                        "200 MiB both ways: \(time.secondsText), \(rate) MiB/s, daemon at \(memory / Self.mebibyte) MiB"
                    )
                    #expect(memory < 256 * Self.mebibyte)
                }
            }
        }

        @Test("a visitor that reads slowly gets everything from an upstream that has long closed")
        func slowVisitor() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.with(tunnels: Pair.raw(upstream)) { pair in
                    let plan = Exchange(seed: 2, upload: 0, download: 8 * Self.mebibyte, upstreamEndsFirst: true)
                    try await Visitor.exchange(plan, port: try await pair.rawPort(), pause: .milliseconds(2))
                }
            }
        }
    }
}
