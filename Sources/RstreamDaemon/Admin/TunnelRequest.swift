// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import GuardedJSON
internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamDaemonModel
internal import RstreamModel

/// `POST /v1/tunnels`: the fields of an entry of a tunnel file, and how long the tunnel lasts.
struct TunnelRequest: Sendable {
    /// The fields of the tunnel file.
    let entry: Tree.Table
    /// Who asks.
    let peer: Peer
    /// The connection that the tunnel ends with; nil for a detached one.
    let connection: ClientConnection?
    /// How long the tunnel may last; nil for no limit.
    let lasts: Duration?

    /// The fields that are not those of a tunnel file.
    private static let ownFields = ["detach", "for"]

    /// Reads a body. A tunnel that is not detached lasts as long as the connection of `call`.
    init(_ body: JSONValue, of call: HTTPCall) throws(Problem) {
        guard case .object(let fields) = body else {
            throw Problem(.badRequest, "the body must be a tunnel, as in {\"name\":\"web\",\"forward\":\"8080\"}")
        }
        lasts = try Self.duration(fields["for"] ?? .null)
        switch fields["detach"] ?? .null {
        // One with a time of its own needs no connection.
        case .null: connection = lasts == nil ? call.connection : nil
        case .bool(let isDetached): connection = isDetached ? nil : call.connection
        case .integer, .number, .text, .array, .object:
            throw Problem(.badRequest, "detach must be true or false")
        }
        guard connection == nil || call.keepsAlive else {
            throw Problem(
                .badRequest,
                "a tunnel lasts as long as its connection, and this request ends that (Connection: close); keep it, "
                    + "or set detach or for"
            )
        }
        entry = Tree.Table(Self.pairs(fields.filter { field in !Self.ownFields.contains(field.key) }))
        peer = call.peer
    }

    /// Seconds, or a text as in the files.
    private static func duration(_ value: JSONValue) throws(Problem) -> Duration? {
        let duration: Duration?
        switch value {
        case .null: return nil
        case .integer(let seconds):
            duration = (0...Int(Duration.longestConfigured / .seconds(1))).contains(seconds) ? .seconds(seconds) : nil
        case .number(let seconds):
            duration = (0...(Duration.longestConfigured / .seconds(1))).contains(seconds) ? .seconds(seconds) : nil
        case .text(let text): duration = Duration(configured: text)
        case .bool, .array, .object: duration = nil
        }
        guard let duration, duration > .zero, duration <= .longestConfigured else {
            throw Problem(.badRequest, "for must be a number of seconds, or a duration like \"2h\"")
        }
        return duration
    }

    /// Fields without a value are left out, as in the files.
    private static func pairs(_ fields: [String: JSONValue]) -> [Tree.Pair] {
        fields.sorted { ByteKey($0.key) < ByteKey($1.key) }.compactMap { field in
            tree(field.value).map { Tree.Pair(key: field.key, value: $0) }
        }
    }

    private static func tree(_ value: JSONValue) -> Tree? {
        switch value {
        case .null: nil
        case .bool(let value): Tree(.word(value ? "true" : "false"))
        case .integer(let value): Tree(.word(String(value)))
        case .number(let value): Tree(.word("\(value)"))
        case .text(let text): Tree(.text(text))
        case .array(let items): Tree(.list(items.compactMap(tree)))
        case .object(let fields): Tree(.table(Tree.Table(pairs(fields))))
        }
    }
}

/// What became of a ``TunnelRequest``.
enum TunnelOpening: Sendable {
    /// The tunnel of this name is there, with the warnings about it.
    case opened(String, [Diagnostic])
    case refused([Diagnostic])
    case full(TunnelsByHand.Refusal)
}

/// What became of a request to close a tunnel that was opened by hand.
enum TunnelClosing: Hashable, Sendable {
    case closed
    /// It is a tunnel of the files, defined there.
    case ofFiles(String)
    case unknown
}

extension Problem {
    init(_ refusal: TunnelsByHand.Refusal) {
        switch refusal {
        case .tooMany(let most):
            self.init(.busy, "there are \(most) tunnels by hand, which is the limit; put some into tunnel files")
        case .tooManyOfUser(let most):
            self.init(.busy, "this user has \(most) tunnels by hand, which is the limit; close one first")
        }
    }

    /// A tunnel that breaks a rule of tunnel files.
    init(invalid diagnostics: [Diagnostic]) {
        let first = diagnostics.first { $0.severity == .error } ?? diagnostics.first
        self.init(.invalid, first?.message ?? "the tunnel is invalid")
        self.diagnostics = diagnostics.map(DiagnosticReport.init)
    }
}
