// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// `POST /v1/reload`: what a reload did, or would do. A refused one comes with status 422.
package struct ReloadReply: Codable, Hashable, Sendable {
    package struct Outcome: OpenEnum {
        package static let applied = Self(rawValue: "applied")
        /// The files describe what already runs.
        package static let unchanged = Self(rawValue: "unchanged")
        /// The files have errors; everything goes on as before.
        package static let refused = Self(rawValue: "refused")
        package static let allCases: [Self] = [.applied, .unchanged, .refused]

        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }
    }

    package var outcome: Outcome
    /// Whether nothing was carried out.
    package var dryRun: Bool
    package var changes: [ReloadChange]
    /// Changed settings of the daemon as a whole.
    package var settings: [ReloadSetting]
    /// Errors and warnings, in the order of files and lines.
    package var diagnostics: [DiagnosticReport]

    package init(
        outcome: Outcome,
        dryRun: Bool,
        changes: [ReloadChange] = [],
        settings: [ReloadSetting] = [],
        diagnostics: [DiagnosticReport] = []
    ) {
        self.outcome = outcome
        self.dryRun = dryRun
        self.changes = changes
        self.settings = settings
        self.diagnostics = diagnostics
    }
}

extension ReloadReply {
    /// A daemon of another version may not send settings.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            outcome: try container.decode(Outcome.self, forKey: .outcome),
            dryRun: try container.decode(Bool.self, forKey: .dryRun),
            changes: try container.decode([ReloadChange].self, forKey: .changes),
            settings: try container.decodeIfPresent([ReloadSetting].self, forKey: .settings) ?? [],
            diagnostics: try container.decode([DiagnosticReport].self, forKey: .diagnostics)
        )
    }
}

/// A setting of the daemon as a whole that a reload has changed, or would change.
package struct ReloadSetting: Codable, Hashable, Sendable {
    /// As in the file, with dots: `limits.streams`.
    package var key: String
    /// Why the new value is not in force; null when it is.
    @OrNull package var obstacle: String?

    package init(key: String, obstacle: String? = nil) {
        self.key = key
        _obstacle = OrNull(wrappedValue: obstacle)
    }
}

/// What happens to one tunnel, listener or session.
package struct ReloadChange: Codable, Hashable, Sendable {
    package struct Action: OpenEnum {
        package static let add = Self(rawValue: "add")
        /// New streams use the new values; the tunnel stays open at the engine.
        package static let update = Self(rawValue: "update")
        /// A new one is opened and the old one closed.
        package static let replace = Self(rawValue: "replace")
        package static let remove = Self(rawValue: "remove")
        /// The session of ``ReloadChange/context`` connects anew; streams stay.
        package static let reconnect = Self(rawValue: "reconnect")
        package static let allCases: [Self] = [.add, .update, .replace, .remove, .reconnect]

        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }
    }

    /// Null when it is about a listener or a session.
    @OrNull package var tunnel: String?
    @OrNull package var listener: String?
    /// The context whose session is meant; null when it is about a tunnel or a listener.
    @OrNull package var context: String?
    package var action: Action
    /// What becomes of the running streams: `drain`, `keep` or `cut`; also `keep` where they are not affected; null
    /// where there can be none.
    @OrNull package var disposition: String?
    /// How many streams run now.
    @Count package var streams: Int
    /// The changed keys, with dots; empty for what is added or removed.
    package var keys: [String]

    package init(
        tunnel: String? = nil,
        listener: String? = nil,
        context: String? = nil,
        action: Action,
        disposition: String? = nil,
        streams: Int = 0,
        keys: [String] = []
    ) {
        _tunnel = OrNull(wrappedValue: tunnel)
        _listener = OrNull(wrappedValue: listener)
        _context = OrNull(wrappedValue: context)
        self.action = action
        _disposition = OrNull(wrappedValue: disposition)
        self.streams = streams
        self.keys = keys
    }
}

extension ReloadChange {
    /// A daemon of another version may not send keys.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            tunnel: try container.decodeIfPresent(String.self, forKey: .tunnel),
            listener: try container.decodeIfPresent(String.self, forKey: .listener),
            context: try container.decodeIfPresent(String.self, forKey: .context),
            action: try container.decode(Action.self, forKey: .action),
            disposition: try container.decodeIfPresent(String.self, forKey: .disposition),
            streams: try container.decode(Count.self, forKey: .streams).wrappedValue,
            keys: try container.decodeIfPresent([String].self, forKey: .keys) ?? []
        )
    }
}

/// The body of `POST /v1/reload`; without a body it is no dry run.
package struct ReloadRequest: Codable, Hashable, Sendable {
    package var dryRun: Bool?

    package init(dryRun: Bool? = nil) { self.dryRun = dryRun }
}
