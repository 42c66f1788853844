import RstreamModel
import YAML

/// What only the daemon's own file says.
struct DaemonDraft {
    var file = FileDraft()
    var configuration = DaemonConfiguration()
    /// The context of tunnels that name none.
    var fallback: Located<String>?
    var include: [Located<String>]?
}

/// Reads `rstreamd.yaml` (contract §3.1).
struct DaemonFileReader {
    let file: SourceFile
    let environment: [String: String]

    private static let ownKeys = [
        "context", "clientConfig", "include", "watch", "admin", "metrics", "log", "drain", "reload", "reconnect",
        "limits",
    ]
    /// What a tunnel file may not hold, with where it belongs.
    static let misplacedInTunnelFile = Dictionary(uniqueKeysWithValues: ownKeys.map { ($0, "rstreamd.yaml") })

    func read(_ root: Node, _ report: inout Report) -> DaemonDraft {
        var draft = DaemonDraft()
        guard let section = Section(root, named: "the file", keys: FileReader.keys + Self.ownKeys, in: file, &report)
        else { return draft }
        let common = FileReader(file: file, environment: environment)
        guard common.checkVersion(section, &report) else { return draft }
        draft.file = common.read(section, tunnelsRequired: false, &report)
        if let text = section.text("context", &report), !text.value.isEmpty { draft.fallback = text }
        draft.include = section.texts("include", &report)
        for key in ["clientConfig", "admin", "metrics", "reload"] { section.refuse(key, &report) }
        if section.boolean("watch", &report) == true {
            section.refuse("watch", hint: "remove the key, or set it to false", &report)
        }
        draft.configuration.log = log(section, &report)
        if let drain = section.section("drain", keys: ["timeout"], &report),
            let timeout = drain.duration("timeout", mayBeZero: true, &report)
        {
            draft.configuration.drain.timeout = timeout
        }
        draft.configuration.reconnect = reconnect(section, &report)
        draft.configuration.limits = limits(section, &report)
        return draft
    }

    private func log(_ root: Section, _ report: inout Report) -> LogSettings {
        var settings = LogSettings()
        guard let section = root.section("log", keys: ["level", "format"], &report) else { return settings }
        if let level: LogSettings.Level = section.choice("level", &report) { settings.level = level }
        if let format: LogSettings.Format = section.choice("format", &report) { settings.format = format }
        return settings
    }

    private func reconnect(_ root: Section, _ report: inout Report) -> ReconnectSettings {
        var settings = ReconnectSettings()
        guard let section = root.section("reconnect", keys: ["minimum", "maximum", "rejected"], &report) else {
            return settings
        }
        settings.minimum = section.duration("minimum", mayBeZero: false, &report) ?? settings.minimum
        settings.maximum = section.duration("maximum", mayBeZero: false, &report) ?? settings.maximum
        settings.rejected = section.duration("rejected", mayBeZero: false, &report) ?? settings.rejected
        if settings.minimum > settings.maximum {
            let key = section.node("minimum") == nil ? "maximum" : "minimum"
            report.error(
                "reconnect.minimum (\(settings.minimum)) is longer than reconnect.maximum (\(settings.maximum))",
                at: section.keySpan(key),
                in: file
            )
        }
        return settings
    }

    private func limits(_ root: Section, _ report: inout Report) -> LimitSettings {
        var settings = LimitSettings()
        let keys = ["streams", "pendingStreams", "openingStreams", "unixUpstreams"]
        guard let section = root.section("limits", keys: keys, &report) else { return settings }
        // More than the kernel gives a process descriptors for, whatever it is told.
        let most = 1_048_576
        settings.streams = section.integer("streams", in: 0...most, &report) ?? settings.streams
        settings.pendingStreams = section.integer("pendingStreams", in: 1...most, &report) ?? settings.pendingStreams
        settings.openingStreams = section.integer("openingStreams", in: 1...most, &report) ?? settings.openingStreams
        settings.unixUpstreams = (section.texts("unixUpstreams", &report) ?? []).map { text in
            Path.resolve(text.value, in: Path.directory(of: file.path))
        }
        return settings
    }
}
