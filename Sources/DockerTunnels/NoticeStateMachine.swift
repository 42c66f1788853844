// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Decides what is said: each thing once, when it begins, and the end of what kept tunnels from being followed.
package struct NoticeStateMachine: Sendable {
    private let host: String
    private let path: String
    /// What is wrong with labels, as it was said.
    private var complaints: Set<Complaint> = []
    private var isAway = false
    /// Why the file could not be written the last time.
    private var writeFailure: String?

    /// For an API, and the tunnel file.
    package init(host: String, path: String) {
        (self.host, self.path) = (host, path)
    }

    /// There is a listing, with these complaints: those that are new are said, and again when they have been gone.
    package mutating func listed(_ complaints: [Complaint]) -> [Notice] {
        let new = complaints.filter { !self.complaints.contains($0) }
        self.complaints = Set(complaints)
        return new.map { Notice(.warning, "\($0)") }
    }

    /// The file was written with so many tunnels, or had them already.
    package mutating func kept(tunnels count: Int, isWritten: Bool) -> [Notice] {
        let hadFailed = writeFailure != nil
        writeFailure = nil
        guard isWritten || hadFailed else { return [] }
        return [Notice(.info, "\(path): \(count) \(count == 1 ? "tunnel" : "tunnels")")]
    }

    /// The file cannot be written.
    package mutating func writeFailed(_ reason: String) -> [Notice] {
        defer { writeFailure = reason }
        return writeFailure == reason ? [] : [Notice(.error, "\(path) cannot be written: \(reason)")]
    }

    /// The API gives no listing or tells of no events.
    package mutating func failed(_ failure: DockerFailure) -> [Notice] {
        defer { isAway = true }
        let text = "\(host) is away: \(failure); the tunnel file stays as it is until it is back"
        return isAway ? [] : [Notice(.warning, text)]
    }

    /// The API tells of events.
    package mutating func answered() -> [Notice] {
        defer { isAway = false }
        return isAway ? [Notice(.notice, "\(host) is back")] : []
    }
}
