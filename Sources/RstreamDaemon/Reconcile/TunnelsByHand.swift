// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A client's connection to the admin socket. Another one may have the same value once this one has ended.
struct ClientConnection: Hashable, Sendable {
    private let id: ObjectIdentifier

    init(_ channel: AnyObject) {
        id = ObjectIdentifier(channel)
    }
}

/// Decides which tunnels users may open by hand, and when each of them ends.
///
/// A tunnel by hand ends with the connection that has opened it unless it is detached, when its time is over, and when
/// it is closed by its name. A reload leaves it alone, but the files come first: it ends when a file takes its name,
/// and when its context is gone.
struct TunnelsByHand: Hashable, Sendable {
    /// How many there may be of all users.
    static let most = 32
    /// How many there may be of one user; root and the daemon's own user have only the limit of all.
    static let mostOfUser = 8

    /// One of them.
    struct Entry: Hashable, Sendable {
        let name: String
        let user: UInt32
        /// The connection that it ends with; nil for a detached one.
        var connection: ClientConnection?
        /// When its time is over; nil for one without an end of its own.
        var endsAt: ContinuousClock.Instant?
    }

    /// Why one has ended, as the log says it.
    enum Ending: String, Hashable, Sendable, CaseIterable {
        case ownerGone = "the connection that opened it has ended"
        case timeOver = "its time is over"
        case closed = "it was closed by name"
        case nameTaken = "a file has a tunnel of this name"
        case contextGone = "its context is not configured any more"
    }

    struct End: Hashable, Sendable {
        let name: String
        let why: Ending
    }

    /// Why another one may not be opened.
    enum Refusal: Hashable, Sendable {
        case tooMany(most: Int)
        case tooManyOfUser(most: Int)
    }

    /// In the order in which they were opened.
    private(set) var entries: [Entry] = []

    /// Why a user may not open another one now; nil when they may.
    func refusal(user: UInt32, isTrusted: Bool) -> Refusal? {
        if entries.count >= Self.most { return .tooMany(most: Self.most) }
        guard !isTrusted, entries.count(where: { $0.user == user }) >= Self.mostOfUser else { return nil }
        return .tooManyOfUser(most: Self.mostOfUser)
    }

    /// One was opened; its name is new.
    mutating func opened(_ entry: Entry) { entries.append(entry) }

    mutating func connectionEnded(_ connection: ClientConnection) -> [End] {
        end(.ownerGone) { $0.connection == connection }
    }

    mutating func timePassed(now: ContinuousClock.Instant) -> [End] {
        end(.timeOver) { entry in entry.endsAt.map { $0 <= now } ?? false }
    }

    /// Nothing when there is none of that name.
    mutating func closed(_ name: String) -> [End] { end(.closed) { $0.name == name } }

    /// Those that end when a configuration is loaded: files have the names `taken`, and the contexts of `lost` are
    /// gone.
    func ends(taken: Set<String>, lost: Set<String>) -> [End] {
        entries.compactMap { entry in
            if taken.contains(entry.name) { return End(name: entry.name, why: .nameTaken) }
            return lost.contains(entry.name) ? End(name: entry.name, why: .contextGone) : nil
        }
    }

    /// These have ended, see ``ends(taken:lost:)``.
    mutating func ended(_ ends: [End]) {
        let names = Set(ends.map(\.name))
        entries.removeAll { names.contains($0.name) }
    }

    /// When ``timePassed(now:)`` has to be called next.
    var nextEnd: ContinuousClock.Instant? { entries.compactMap(\.endsAt).min() }

    private mutating func end(_ why: Ending, _ ends: (Entry) -> Bool) -> [End] {
        let leaving = entries.filter(ends)
        entries.removeAll(where: ends)
        return leaving.map { End(name: $0.name, why: why) }
    }
}
