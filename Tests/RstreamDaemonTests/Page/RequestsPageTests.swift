// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamModel
import Testing

@testable import RstreamDaemon

@Suite("The page of requests")
struct RequestsPageTests {
    private static let now = UTCTime(seconds: 1_790_000_000)

    private static func request(
        _ id: Int,
        _ text: String = "/a",
        at time: UTCTime = now,
        end: RequestStatus.End = .complete
    ) -> RequestStatus {
        RequestStatus(
            id: id,
            stream: "7",
            source: text,
            time: time,
            method: text,
            path: text,
            status: 200,
            durationSeconds: 0.0123,
            bytes: ByteCounts(received: 0, sent: 1_234),
            end: end
        )
    }

    private static func tunnel(
        _ name: String,
        _ requests: [RequestStatus]
    ) -> (tunnel: String, requests: TunnelRequests) {
        (name, TunnelRequests(inspected: true, total: requests.count, requests: requests))
    }

    @Test("has a value for each place of its template, and a place for each value")
    func places() {
        #expect(Set(RequestsPage.values([]).keys) == PageFiles.requests.places)
    }

    @Test("shows the requests of all tunnels, the latest first, and why there is no more of one")
    func content() {
        let earlier = Self.now.advanced(by: .seconds(-5))
        let html = RequestsPage.html([
            Self.tunnel("web", [Self.request(1, "/first", at: earlier), Self.request(2, "/last", end: .cut)]),
            Self.tunnel("api", [Self.request(1, "/middle", at: Self.now.advanced(by: .seconds(-2)))]),
        ])
        let paths = html.matches(of: #/<td class="" role="cell" data-name="Request">([^ ]+) /#).map { $0.output.1 }
        #expect(paths == ["/last", "/middle", "/first"])
        for part in ["12.3 ms", "1.2 KiB", "<small>the stream ended before the response did</small>", ">200</td>"] {
            #expect(html.contains(part), "\(part)")
        }
        #expect(!html.contains("<script"), "it needs no script")
    }

    @Test("says why it is empty")
    func empty() {
        #expect(RequestsPage.html([]).contains("No tunnel has inspect: true."))
        #expect(RequestsPage.html([Self.tunnel("web", [])]).contains("None yet."))
    }

    @Test("has a bounded number of rows, and says how many there are beyond them")
    func bounds() {
        let html = RequestsPage.html([Self.tunnel("web", (1...RequestsPage.most + 7).map { Self.request($0) })])
        #expect(html.matches(of: #/<tr role="row" data-key/#).count == RequestsPage.most)
        #expect(html.contains("7 more; rstreamctl requests"))
    }

    @Test("no method, path or address becomes markup", arguments: HTMLTests.attacks)
    func attacks(text: String) {
        func structure(_ text: String) -> [Substring] {
            RequestsPage.html([Self.tunnel(text, [Self.request(1, text)])])
                .matches(of: #/<\/?[a-z0-9]+/#).map(\.output)
        }
        #expect(structure(text) == structure("harmless"))
    }

    @Test("the rows have the columns of their table")
    func columns() {
        let html = RequestsPage.html([Self.tunnel("web", [Self.request(1)])])
        let heads = html.matches(of: #/<th [^>]*?(?:class="([a-z]*)")?>([^<]*)</th>/#)
            .map { "\($0.output.2) \($0.output.1 ?? "")" }
        let cells = html.matches(of: #/<td class="([a-z]*)" role="cell" data-name="([^"]*)">/#)
            .map { "\($0.output.2) \($0.output.1)" }
        #expect(!heads.isEmpty && heads == cells)
    }
}
