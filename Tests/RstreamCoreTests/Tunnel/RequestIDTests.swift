// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamTestSupport
import Testing

@Suite("The id of a request")
struct RequestIDTests {
    @Test("is a UUID of version 4 on the wire, and the same number when it comes back in either case")
    func roundTrip() {
        var random = SplitMix(seed: 7)
        for _ in 0..<1_000 {
            let id = RequestID(using: &random)
            let text = "\(id)"
            #expect(text.utf8.count == 36)
            #expect(text == text.lowercased())
            let places = text.split(separator: "-", omittingEmptySubsequences: false).map(\.utf8.count)
            #expect(places == [8, 4, 4, 4, 12])
            #expect(Array(text)[14] == "4")
            #expect("89ab".contains(Array(text)[19]))
            #expect(RequestID(text) == id)
            #expect(RequestID(text.uppercased()) == id)
        }
    }

    @Test(
        "is unknown when it is no UUID",
        arguments: [
            "", "r1", "00000000-0000-4000-8000-00000000000", "00000000-0000-4000-8000-0000000000000",
            "00000000_0000-4000-8000-000000000000", "0000000-00000-4000-8000-000000000000",
            "g0000000-0000-4000-8000-000000000000", "+0000000-0000-4000-8000-000000000000",
            "\u{FF11}0000000-0000-4000-8000-0000000000", "{00000000-0000-4000-8000-000000000000}",
            " 00000000-0000-4000-8000-00000000000", "00000000-0000-4000-8000-00000000000\u{301}",
        ]
    )
    func foreign(text: String) {
        #expect(RequestID(text) == nil)
    }

    @Test("has its digits where they belong")
    func digits() {
        let id = RequestID(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF)
        let text = "00112233-4455-6677-8899-aabbccddeeff"
        #expect("\(id)" == text)
        #expect(RequestID(text) == id)
        #expect(RequestID(high: 0, low: 1) < RequestID(high: 1, low: 0))
    }
}
