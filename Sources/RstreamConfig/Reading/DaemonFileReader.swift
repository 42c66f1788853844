// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Linux
import RstreamDaemonModel
import RstreamModel
import YAML

/// What only the daemon's own file says.
struct DaemonDraft {
    var file = FileDraft()
    var configuration = DaemonConfiguration()
    /// The context of tunnels that name none.
    var fallback: Located<String>?
    var include: [Located<String>]?
    /// Who may own tunnel files beside root and the daemon's user.
    var tunnelOwners: [UInt32] = []
    /// Where the daemon listens already.
    var taken = TakenAddresses()
}

/// Reads `rstreamd.yaml` (contract §3.1).
struct DaemonFileReader {
    let file: SourceFile
    let environment: [String: String]
    let accounts: Accounts

    /// What a tunnel file may not hold.
    static let ownKeys = ConfigurationKey.words(at: "").filter { !FileReader.keys.contains($0) }
    /// The same, with where it belongs.
    static let misplacedInTunnelFile = Dictionary(uniqueKeysWithValues: ownKeys.map { ($0, "rstreamd.yaml") })

    func read(_ root: Node, _ report: inout Report) -> DaemonDraft {
        var draft = DaemonDraft()
        guard
            let section = Section(
                root,
                named: "the file",
                at: "",
                hint: FileReader.hint(for: root),
                in: file,
                &report
            )
        else { return draft }
        let common = FileReader(file: file, environment: environment)
        guard common.checkVersion(section, &report) else { return draft }
        draft.file = common.read(section, isIncluded: false, &report)
        if let text = section.text("context", &report), !text.value.isEmpty { draft.fallback = text }
        draft.include = section.texts("include", &report)
        draft.configuration.clientConfig = section.path("clientConfig", &report)
        draft.configuration.watch = section.boolean("watch", &report) ?? false
        if let reload = section.section("reload", &report),
            let disposition: StreamDisposition = reload.choice("changed", named: "reload.changed", &report)
        {
            draft.configuration.reload = disposition
        }
        readAdmin(section, into: &draft, &report)
        readMetrics(section, into: &draft, &report)
        readPage(section, into: &draft, &report)
        draft.configuration.log = log(section, &report)
        if let drain = section.section("drain", &report),
            let timeout = drain.duration("timeout", &report)
        {
            draft.configuration.drain.timeout = timeout
        }
        if let upgrade = section.section("upgrade", &report), let drain = upgrade.duration("drain", &report) {
            draft.configuration.upgrade.drain = drain
        }
        draft.configuration.reconnect = reconnect(section, &report)
        if let canary = section.section("canary", &report) {
            draft.configuration.canary.interval = canary.duration("interval", &report)
        }
        readLimits(section, into: &draft, &report)
        if let debug = section.section("debug", &report) {
            draft.configuration.debug.coreDumps = debug.boolean("coreDumps", &report) ?? false
        }
        return draft
    }

    private func readAdmin(_ root: Section, into draft: inout DaemonDraft, _ report: inout Report) {
        var settings = AdminSettings()
        // By the real user: a check that took the daemon's rights must not use the folder of root's own session.
        settings.socket = AdminSettings.defaultSocket(environment: environment, user: getuid())
        var owner: Wording = "the admin socket uses it unless admin.socket says otherwise"
        defer {
            draft.configuration.admin = settings
            if settings.hasSocket { _ = draft.taken.take(.unix(path: settings.socket), for: owner) }
        }
        guard let section = root.section("admin", &report) else { return }
        settings.group = section.filledText("group", &report)?.value ?? settings.group
        settings.readGroup = section.filledText("readGroup", &report)?.value
        if let mode = section.mode("mode", &report) {
            settings.mode = mode.value
            if mode.value & 0o002 != 0 {
                report.warning(
                    "all users of this host may control the daemon",
                    hint: "use 0660 and the group",
                    at: mode.span,
                    in: file
                )
            }
        }
        guard let path = section.path("socket", &report) else { return }
        // A file of that name has a path in front of it.
        if section.text("socket", &report)?.value.sameBytes(as: "none") == true {
            settings.hasSocket = false
            return
        }
        settings.socket = path
        if path.utf8.count > ListenAddress.longestSocketPath {
            report.error(
                "\"socket\" is a path of more than \(shown: ListenAddress.longestSocketPath) bytes",
                at: section.valueSpan("socket"),
                in: file
            )
        }
        owner = "first given at \(file.mark(section.valueSpan("socket").start))"
    }

    private func readMetrics(_ root: Section, into draft: inout DaemonDraft, _ report: inout Report) {
        guard let section = root.section("metrics", example: "127.0.0.1:9464", &report),
            let address = port(section, &draft, &report)
        else { return }
        draft.configuration.metrics = address.value
    }

    private func readPage(_ root: Section, into draft: inout DaemonDraft, _ report: inout Report) {
        guard let section = root.section("page", example: "127.0.0.1:4041", &report) else { return }
        for name in section.texts("hosts", &report) ?? [] {
            guard Hostname.isValid(name.value) else {
                report.error(
                    "\"\(name.value.shortened)\" is not a host name",
                    hint: "expected a name without scheme and port, like box.example",
                    at: name.span,
                    in: file
                )
                continue
            }
            draft.configuration.page.hosts.append(name.value)
        }
        guard let address = port(section, &draft, &report) else { return }
        draft.configuration.page.listen = address.value
        if let readers = address.value.readersOfOtherHosts {
            report.warning(
                "\(readers) can read the page: tunnels, visitors' addresses, the configuration",
                hint: "listen at 127.0.0.1, and reach it through ssh or a proxy that asks for a password",
                at: address.span,
                in: file
            )
        }
    }

    /// The address of a port of the daemon itself, `listen` of its section; it is taken from then on.
    private func port(
        _ section: Section,
        _ draft: inout DaemonDraft,
        _ report: inout Report
    ) -> Located<ListenAddress>? {
        guard let text = section.filledText("listen", &report), let address = section.address(text, &report)
        else { return nil }
        let owner: Wording = "first given at \(file.mark(text.span.start))"
        if let first = draft.taken.take(address.value, for: owner) {
            report.error("\(address.value) is taken", hint: first, at: text.span, in: file)
        }
        if case .tcp(host: "::", let port) = address.value {
            // There is one address for it, so this one takes IPv4 too.
            _ = draft.taken.take(.tcp(host: "0.0.0.0", port: port), for: owner)
        }
        return address
    }

    private func log(_ root: Section, _ report: inout Report) -> LogSettings {
        var settings = LogSettings()
        guard let section = root.section("log", &report) else { return settings }
        if let level: LogSettings.Level = section.choice("level", &report) { settings.level = level }
        if let format: LogSettings.Format = section.choice("format", &report) { settings.format = format }
        settings.streams = section.boolean("streams", &report) ?? settings.streams
        if settings.leavesStreamsOut {
            report.warning(
                "lines of streams are at level info, which log.level: \(shown: settings.level.rawValue) leaves out",
                hint: "use log.level: info",
                at: section.valueSpan("streams"),
                in: file
            )
        }
        return settings
    }

    private func reconnect(_ root: Section, _ report: inout Report) -> ReconnectSettings {
        var settings = ReconnectSettings()
        guard let section = root.section("reconnect", &report) else { return settings }
        settings.minimum = section.duration("minimum", &report) ?? settings.minimum
        settings.maximum = section.duration("maximum", &report) ?? settings.maximum
        settings.rejected = section.duration("rejected", &report) ?? settings.rejected
        if settings.minimum > settings.maximum {
            let key = section.node("minimum") == nil ? "maximum" : "minimum"
            let (minimum, maximum) = (settings.minimum.configured, settings.maximum.configured)
            report.error(
                "reconnect.minimum (\(shown: minimum)) is longer than reconnect.maximum (\(shown: maximum))",
                at: section.keySpan(key),
                in: file
            )
        }
        return settings
    }

    private func readLimits(_ root: Section, into draft: inout DaemonDraft, _ report: inout Report) {
        var settings = LimitSettings()
        defer { draft.configuration.limits = settings }
        guard let section = root.section("limits", &report) else { return }
        settings.streams = section.integer("streams", &report) ?? settings.streams
        settings.pendingStreams = section.integer("pendingStreams", &report) ?? settings.pendingStreams
        settings.openingStreams = section.integer("openingStreams", &report) ?? settings.openingStreams
        settings.unixUpstreams = (section.texts("unixUpstreams", &report) ?? []).map { text in
            Path.resolve(text.value, in: Path.directory(of: file.path))
        }
        for name in section.texts("tunnelOwners", &report) ?? [] {
            guard name.value.utf8.count <= 256, let user = accounts.user(name.value) else {
                report.error(
                    "there is no user \"\(name.value.shortened)\"",
                    hint: "expected the name of a user of this host",
                    at: name.span,
                    in: file
                )
                continue
            }
            settings.tunnelOwners.append(name.value)
            draft.tunnelOwners.append(user)
        }
    }
}
