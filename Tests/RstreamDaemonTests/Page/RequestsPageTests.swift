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

    private static func newest(
        _ requests: [(tunnel: String, request: RequestStatus)],
        of tunnels: Int = 1,
        kept: Int? = nil
    ) -> NewestOfTunnels {
        NewestOfTunnels(tunnels: tunnels, kept: kept ?? requests.count, requests: requests)
    }

    @Test("has a value for each place of its template, and a place for each value")
    func places() {
        #expect(Set(RequestsPage.values(Self.newest([])).keys) == PageFiles.requests.places)
    }

    @Test("shows the requests of all tunnels in their order, and why there is no more of one")
    func content() {
        let html = RequestsPage.html(
            Self.newest(
                [
                    ("web", Self.request(2, "/last", end: .cut)), ("api", Self.request(1, "/middle")),
                    ("web", Self.request(1, "/first", at: Self.now.advanced(by: .seconds(-5)))),
                ],
                of: 2
            )
        )
        let paths = html.matches(of: #/<td class="" role="cell" data-name="Request">([^ ]+) /#).map { $0.output.1 }
        #expect(paths == ["/last", "/middle", "/first"])
        for part in ["12.3 ms", "1.2 KiB", "<small>the stream ended before the response did</small>", ">200</td>"] {
            #expect(html.contains(part), "\(part)")
        }
        #expect(!html.contains("<script"), "it needs no script")
    }

    @Test("says why it is empty")
    func empty() {
        #expect(RequestsPage.html(Self.newest([], of: 0)).contains("No tunnel has inspect: true."))
        #expect(RequestsPage.html(Self.newest([])).contains("None yet."))
    }

    @Test("says how many requests there are beyond its rows")
    func bounds() {
        let html = RequestsPage.html(Self.newest([("web", Self.request(1))], kept: 8))
        #expect(html.matches(of: #/<tr role="row" data-key/#).count == 1)
        #expect(html.contains("7 more; rstreamctl requests"))
        #expect(!RequestsPage.html(Self.newest([("web", Self.request(1))])).contains("more; rstreamctl"))
    }

    @Test("no method, path or address becomes markup", arguments: HTMLTests.attacks)
    func attacks(text: String) {
        func structure(_ text: String) -> [Substring] {
            RequestsPage.html(Self.newest([(text, Self.request(1, text))]))
                .matches(of: #/<\/?[a-z0-9]+/#).map(\.output)
        }
        #expect(structure(text) == structure("harmless"))
    }

    @Test("the rows have the columns of their table")
    func columns() {
        let html = RequestsPage.html(Self.newest([("web", Self.request(1))]))
        let heads = html.matches(of: #/<th [^>]*?(?:class="([a-z]*)")?>([^<]*)</th>/#)
            .map { "\($0.output.2) \($0.output.1 ?? "")" }
        let cells = html.matches(of: #/<td class="([a-z]*)" role="cell" data-name="([^"]*)">/#)
            .map { "\($0.output.2) \($0.output.1)" }
        #expect(!heads.isEmpty && heads == cells)
    }
}
