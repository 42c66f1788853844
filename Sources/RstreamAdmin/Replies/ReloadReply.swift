/// `POST /v1/reload`: what a reload did, or would do. A refused one comes with status 422.
package struct ReloadReply: Codable, Hashable, Sendable {
    package enum Outcome: String, Codable, Hashable, Sendable, CaseIterable {
        case applied
        /// The files ask for what runs already.
        case unchanged
        /// The files are not right; everything goes on as before.
        case refused
    }

    package var outcome: Outcome
    /// Whether nothing was carried out.
    package var dryRun: Bool
    package var changes: [ReloadChange]
    /// Errors and warnings, in the order of files and lines.
    package var diagnostics: [DiagnosticReport]

    package init(outcome: Outcome, dryRun: Bool, changes: [ReloadChange] = [], diagnostics: [DiagnosticReport] = []) {
        self.outcome = outcome
        self.dryRun = dryRun
        self.changes = changes
        self.diagnostics = diagnostics
    }
}

/// What happens to one tunnel, listener or session.
package struct ReloadChange: Codable, Hashable, Sendable {
    package enum Action: String, Codable, Hashable, Sendable, CaseIterable {
        case add
        /// New streams go another way; the engine does not notice.
        case update
        /// Another one takes its place.
        case replace
        case remove
        /// The session of ``ReloadChange/context`` connects anew; streams stay.
        case reconnect
    }

    /// Null when it is about a listener or a session.
    @OrNull package var tunnel: String?
    @OrNull package var listener: String?
    /// The context whose session is meant; null when it is about a tunnel or a listener.
    @OrNull package var context: String?
    package var action: Action
    /// What becomes of the streams that run now: `drain`, `keep` or `cut`; null when there are none to speak of.
    @OrNull package var fate: String?
    /// How many streams run now.
    @Count package var streams: Int

    package init(
        tunnel: String? = nil,
        listener: String? = nil,
        context: String? = nil,
        action: Action,
        fate: String? = nil,
        streams: Int = 0
    ) {
        _tunnel = OrNull(wrappedValue: tunnel)
        _listener = OrNull(wrappedValue: listener)
        _context = OrNull(wrappedValue: context)
        self.action = action
        _fate = OrNull(wrappedValue: fate)
        self.streams = streams
    }
}

/// One complaint about a configuration file (contract §2).
package struct DiagnosticReport: Codable, Hashable, Sendable {
    /// `error` or `warning`.
    package var severity: String
    package var file: String
    /// Counted from 1; 0 when it is about the file as a whole.
    @Count package var line: Int
    @Count package var column: Int
    package var message: String
    /// What was expected, or the nearest valid key or value.
    @OrNull package var hint: String?
    /// The whole complaint as `rstreamd --check` prints it, with the line and a caret.
    package var text: String

    package init(
        severity: String,
        file: String,
        line: Int,
        column: Int,
        message: String,
        hint: String?,
        text: String
    ) {
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        _hint = OrNull(wrappedValue: hint)
        self.text = text
    }
}

/// The body of `POST /v1/reload`; an empty body is one without a dry run.
package struct ReloadRequest: Codable, Hashable, Sendable {
    package var dryRun: Bool?

    package init(dryRun: Bool? = nil) { self.dryRun = dryRun }
}
