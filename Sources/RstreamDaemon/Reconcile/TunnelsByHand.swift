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
///
/// A take-over leaves it alone, too, and ends connections. One that belonged to a connection waits for
/// ``claimTime`` for another connection of the same user that claims it, and ends if none does.
struct TunnelsByHand: Hashable, Sendable {
    /// How many there may be of all users.
    static let most = 32
    /// How many there may be of one user; root and the daemon's own user have only the limit of all.
    static let mostOfUser = 8
    /// How long after a take-over a tunnel may be claimed. `rstreamctl publish` does so at once; a host that is busy
    /// may delay it by seconds.
    static let claimTime = Duration.seconds(10)

    /// What keeps one open.
    enum Owner: Hashable, Sendable {
        /// It ends with this connection.
        case connection(ClientConnection)
        /// Its connection was one of the process before this one. It may be claimed until then; nil while that process
        /// is the daemon still.
        case awaited(until: ContinuousClock.Instant?)
        /// Nothing has to: it is detached.
        case detached

        /// When it ends unless it is claimed.
        fileprivate var claimEnd: ContinuousClock.Instant? {
            if case .awaited(let end) = self { end } else { nil }
        }
    }

    /// One of them.
    struct Entry: Hashable, Sendable {
        let name: String
        let user: UInt32
        var owner: Owner
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
        case notClaimed = "no connection of its user has claimed it after a take-over"
        case notHandedOver = "it could not be handed over to another process"
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

    /// Why a connection may not have one that it claims.
    enum ClaimRefusal: Hashable, Sendable {
        /// There is none of that name.
        case unknown
        case otherUser(owner: UInt32)
        case detached
        /// It belongs to a connection that is open.
        case owned
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
        end(.ownerGone) { $0.owner == .connection(connection) }
    }

    mutating func timePassed(now: ContinuousClock.Instant) -> [End] {
        end(.timeOver) { entry in entry.endsAt.map { $0 <= now } ?? false }
            + end(.notClaimed) { entry in entry.owner.claimEnd.map { $0 <= now } ?? false }
    }

    // MARK: A take-over

    /// The process before this one has this one, too. Returns why it ends; nil when it goes on. The limits are those of
    /// new ones: what another process says is not taken on trust.
    mutating func adopted(_ entry: Entry, isTrusted: Bool) -> Ending? {
        guard !entries.contains(where: { $0.name == entry.name }),
            refusal(user: entry.user, isTrusted: isTrusted) == nil
        else { return .notHandedOver }
        entries.append(entry)
        return nil
    }

    /// This process is the daemon now, and can be asked for tunnels.
    mutating func takenOver(now: ContinuousClock.Instant) {
        for index in entries.indices {
            guard case .awaited = entries[index].owner else { continue }
            entries[index].owner = .awaited(until: now.advanced(by: Self.claimTime))
        }
    }

    /// The tunnel belongs to this connection of a user from now on, unless a reason is returned.
    mutating func claim(
        _ name: String,
        user: UInt32,
        isTrusted: Bool,
        connection: ClientConnection
    ) -> ClaimRefusal? {
        guard let index = entries.firstIndex(where: { $0.name == name }) else { return .unknown }
        let entry = entries[index]
        guard isTrusted || entry.user == user else { return .otherUser(owner: entry.user) }
        switch entry.owner {
        case .connection: return .owned
        case .detached: return .detached
        case .awaited:
            entries[index].owner = .connection(connection)
            return nil
        }
    }

    // MARK: Ends

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
    var nextEnd: ContinuousClock.Instant? {
        entries.flatMap { [$0.endsAt, $0.owner.claimEnd] }.compactMap { $0 }.min()
    }

    private mutating func end(_ why: Ending, _ ends: (Entry) -> Bool) -> [End] {
        let leaving = entries.filter(ends)
        entries.removeAll(where: ends)
        return leaving.map { End(name: $0.name, why: why) }
    }
}
