// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin

/// Which requests of each answer `requests --follow` has not shown yet.
struct RequestFollower: Hashable, Sendable {
    private var last = 0

    /// The requests that are new, and how many the daemon no longer had.
    mutating func new(in answer: TunnelRequests) -> (missed: Int, requests: [RequestStatus]) {
        // The daemon may be another one meanwhile, which counts from one on.
        if answer.total < last { last = 0 }
        defer { last = answer.total }
        let requests = answer.requests.filter { $0.id > last }
        // What was there before the first look is not missed.
        guard last > 0 else { return (0, requests) }
        return (answer.total - last - requests.count, requests)
    }
}
