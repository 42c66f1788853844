// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamModel
internal import RstreamRelay

/// The requests of inspected tunnels.
extension StatusStore {
    /// What is kept of the requests of a tunnel; nil when there is no such one. Only a client that may do everything
    /// gets `everything`: no name of a header or parameter says for sure that there is no secret in its value.
    func requests(of tunnel: String, everything: Bool) -> TunnelRequests? {
        entry(of: tunnel).map { TunnelRequests($0.configured.ledger.requests, everything: everything) }
    }

    /// The log of the requests of a tunnel, inspected or not; nil when there is no such one.
    func requestLog(of tunnel: String) -> RequestLog? { entry(of: tunnel)?.configured.ledger.requests }

    private func entry(of tunnel: String) -> TunnelEntry? {
        read { state in
            state.tunnels.first { $0.name.sameBytes(as: tunnel) }
                ?? state.leaving.first { $0.name.sameBytes(as: tunnel) && $0.isLeaving }
        }
    }

    /// The requests of all inspected tunnels that ended last, at most so many, as far as all who may read may see them.
    func newestRequests(_ most: Int) -> NewestOfTunnels {
        let inspected = read { $0.tunnels }.compactMap { entry -> (name: String, log: RequestLog)? in
            guard let log = entry.configured.ledger.requests, log.isOn else { return nil }
            return (entry.name, log)
        }
        let newest = RequestLog.newest(most, of: inspected.map(\.log))
        return NewestOfTunnels(
            tunnels: inspected.count,
            kept: newest.kept,
            requests: newest.requests.map { (inspected[$0.log].name, RequestStatus($0.request, everything: false)) }
        )
    }
}

/// The latest requests of all inspected tunnels together.
struct NewestOfTunnels {
    /// How many tunnels are inspected, and how many of their requests are kept.
    let tunnels: Int
    let kept: Int
    /// Some of those, the one that ended last first.
    let requests: [(tunnel: String, request: RequestStatus)]
}

extension TunnelRequests {
    fileprivate init(_ log: RequestLog?, everything: Bool) {
        let latest = log?.latest
        self.init(
            inspected: log?.isOn == true,
            total: latest?.total ?? 0,
            requests: latest?.requests.map { RequestStatus($0, everything: everything) } ?? []
        )
    }
}

extension RequestStatus {
    init(_ logged: LoggedRequest, everything: Bool) {
        let request = logged.request
        self.init(
            id: logged.number,
            stream: String(logged.stream),
            source: logged.source?.description,
            time: logged.time,
            method: request.method,
            path: everything ? request.target : request.target?.withoutQuery,
            status: request.status,
            durationSeconds: request.duration.inSeconds,
            bytes: ByteCounts(received: request.requestBytes, sent: request.responseBytes),
            end: End(rawValue: request.end.rawValue),
            requestHeaders: everything ? request.requestHeaders.list : nil,
            responseHeaders: everything ? request.responseHeaders.list : nil,
            headersCut: request.requestHeaders.isCut || request.responseHeaders.isCut
        )
    }

    /// With its bodies, for a client that captures requests.
    init(_ captured: RequestCapture.Item) {
        self.init(captured.request, everything: true)
        if let bodies = captured.request.request.bodies {
            requestBody = CapturedBody(bodies.request)
            responseBody = CapturedBody(bodies.response)
        }
        if captured.missed > 0 { missed = Count(wrappedValue: captured.missed) }
    }
}

extension CapturedBody {
    fileprivate init(_ body: InspectedBody) {
        self.init(bytes: body.bytes, cut: body.isCut)
    }
}

extension InspectedHeaders {
    fileprivate var list: [RequestHeader] { pairs.map { RequestHeader(name: $0.name, value: $0.value) } }
}

extension String {
    /// The path of a request's target, with `***` for a query or a fragment, which may have secrets whatever their
    /// parameters are called.
    fileprivate var withoutQuery: String {
        let end = utf8.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }
        return end.map { "\(self[..<$0])?***" } ?? self
    }
}
