// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import FoundationEssentials
internal import GuardedJSON
internal import Linux
package import RstreamAdmin

/// What the running daemon, the predecessor, and the program that takes over from it, the successor, say to each other:
/// one JSON object with one member for each record of a ``RecordSocket``.
///
/// The predecessor begins with ``hello(version:program:pid:)``, ``tunnel(_:)``, ``context(name:)`` and ``sockets(_:)``, as
/// many as there are, and ``inventoryEnd``. The successor answers with its own hello or with
/// ``refused(reason:diagnostics:)``, which it may say at any time before ``done(drainSeconds:)``. ``UpgradeMessage/version``
/// tells whether both mean the same.
package enum UpgradeMessage: Codable, Hashable, Sendable {
    /// Of the whole conversation. A program that does not know the other's version refuses.
    package static let version = 1

    // MARK: From both

    case hello(version: Int, program: String, pid: Int)

    // MARK: From the predecessor

    /// The first half of the program tells the number of the second (Sources/CStart/start.c).
    case started(pid: Int)
    /// A tunnel that the predecessor has opened, or wants to, or one by hand.
    case tunnel(Tunnel)
    /// A context whose session is online.
    case context(name: String)
    /// Listening sockets; their descriptors are in the same record.
    case sockets(SocketLabel)
    case inventoryEnd
    /// The successor may ask for tunnels.
    case begin
    /// The tunnel is closed at the engine.
    case released(tunnel: String)
    /// The successor is the daemon now. `reloads` when a reload was asked for meanwhile.
    case committed(reloads: Bool)
    /// The take-over is called off.
    case abort(reason: String)
    /// What is left of the predecessor, whenever that changes.
    case report(Report)
    /// The process of an earlier report has ended.
    case gone(pid: Int)
    /// The totals of a tunnel or listener, whenever they change.
    case totals(Totals)
    /// A part of the open streams that the question was about.
    case streams(question: Int, [StreamStatus])
    /// Nothing more follows to the question; `isFound` when it was about a stream that there is.
    case answered(question: Int, isFound: Bool)

    // MARK: From the successor

    case refused(reason: String, diagnostics: [DiagnosticReport])
    /// Its configuration is loaded, and its control channels are up.
    case ready
    /// Close this tunnel at the engine.
    case release(tunnel: String)
    /// Every tunnel is here. The predecessor's streams may last this long.
    case done(drainSeconds: Double)
    /// Which streams are open, here and in processes before this one?
    case listStreams(question: Int)
    /// Cut one stream of a process.
    case cutStream(question: Int, process: Int, stream: UInt64)
    /// The service stops: streams that are left may last this long. Before ``done(drainSeconds:)``, in a restart: the
    /// service stops before the successor has taken over.
    case stop(withinSeconds: Double)

    package struct Tunnel: Codable, Hashable, Sendable {
        package var name: String
        /// How its engine is found.
        package var engine: String
        package var `protocol`: String?
        /// What the engine granted, where it did.
        package var hostname: String?
        package var port: UInt32?
        package var isOnline: Bool
        /// For a tunnel by hand: a program that does not know the member closes it.
        package var byHand: ByHand?
    }

    /// What a successor has to know to go on with a tunnel by hand.
    package struct ByHand: Codable, Hashable, Sendable {
        /// The tunnel file that has its entry and no other; empty when that is too long for a record.
        package var file: String
        /// The user who has opened it, whose rights it has, and the process that it belongs to.
        package var user: UInt32
        package var process: Int32
        package var isDetached: Bool
        /// When its time is over, in milliseconds since 1970; nil when it has no end of its own.
        package var until: Int64?
    }

    /// What is left of a daemon that has been taken over from.
    package struct Report: Codable, Hashable, Sendable {
        package var pid: Int
        package var version: String
        package var streams: Int
        /// When the rest is cut, in seconds since 1970.
        package var until: Double
    }
}

/// Which listening sockets a record carries.
package struct SocketLabel: Codable, Hashable, Sendable {
    package enum Role: String, Codable, Hashable, Sendable {
        /// The admin socket; the address is its path.
        case admin
        /// An admin socket that systemd has opened.
        case systemd
        case metrics
        case page
        case listener
    }

    package var role: Role
    /// As it is configured.
    package var address: String
    /// Which file the socket has, for a Unix socket that the daemon has made.
    package var file: File?

    package struct File: Codable, Hashable, Sendable {
        package var device: UInt64
        package var node: UInt64
    }
}

extension UpgradeMessage.Tunnel {
    /// The same without an entry that is too long for a record. That tunnel alone ends then: a record that cannot be
    /// sent would end the take-over.
    var fitting: Self {
        guard byHand != nil, (try? UpgradeMessage.tunnel(self).record) == nil else { return self }
        var short = self
        short.byHand?.file = ""
        return short
    }
}

extension UpgradeMessage {
    /// What goes into one record.
    ///
    /// - Throws: ``UpgradeFailure`` when it is too long for one.
    var record: [UInt8] {
        get throws(UpgradeFailure) {
            guard let json = try? JSONEncoder().encode(self), json.count <= RecordSocket.longest else {
                throw UpgradeFailure("a message of the take-over is too long")
            }
            return Array(json)
        }
    }

    init(record: [UInt8]) throws(UpgradeFailure) {
        do throws(GuardedJSON.Failure) {
            self = try GuardedJSON.decode(UpgradeMessage.self, from: record, limit: RecordSocket.longest)
        } catch {
            throw UpgradeFailure("a message of the take-over is \(error)")
        }
    }
}

/// Why a take-over did not succeed: one sentence for the log and the operator.
package struct UpgradeFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
    /// What is wrong with the configuration, if that is the reason.
    package var diagnostics: [DiagnosticReport] = []

    package init(_ description: String, _ diagnostics: [DiagnosticReport] = []) {
        self.description = description
        self.diagnostics = diagnostics
    }
}
