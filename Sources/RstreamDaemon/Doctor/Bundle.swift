// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamDaemonModel
internal import RstreamModel

/// The archive for a bug report: the doctor's findings, and what the daemon says about itself. No configuration file is
/// copied into it, and every secret that the configuration names is searched for and hidden once more; when the
/// configuration cannot be read, the archive says that this was not done.
struct Bundle: Sendable {
    private let daemon: AdminClient
    /// Hides the secrets; nil when they are not known.
    private let mask: SecretMask?

    /// Asks the daemon behind `daemon`; the configuration at `file` names the secrets to hide.
    init(file: String, environment: [String: String], daemon: AdminClient) {
        self.daemon = daemon
        let loaded = try? ConfigurationLoader(environment: environment, rule: .checking).load(file)
        mask = loaded.map { SecretMask(Self.secrets(of: $0.configuration)) }
    }

    /// The archive, an uncompressed tar.
    func archive(_ findings: [Finding]) async -> [UInt8] {
        let now = time(nil)
        var archive = TarArchive()
        var gone: [String] = []
        func add(_ name: String, _ bytes: [UInt8]) {
            let shown = Self.printable(hide(bytes), isJSON: name.hasSuffix(".json"))
            archive.add("rstreamd-report/\(name)", shown, modifiedAt: now)
        }
        add("doctor.json", (try? AdminJSON.encode(findings)) ?? [])
        add("host.txt", Array(Self.host.utf8))
        let calls: [(name: String, route: Route)] = [
            ("status.json", .status), ("streams.json", .streams(tunnel: nil)), ("config.json", .config),
            ("metrics.txt", .metrics),
        ]
        var isSilent = false
        for (name, route) in calls {
            guard !isSilent else {
                gone.append("\(name): not asked for, the daemon does not answer")
                continue
            }
            do throws(AdminClientError) {
                add(name, try await daemon.call(route))
            } catch {
                if case .silent = error { isSilent = true }
                gone.append("\(name): \(error)".printable)
            }
        }
        if isSilent {
            gone.append("events.jsonl: not asked for, the daemon does not answer")
        } else {
            do {
                add("events.jsonl", try await events())
            } catch {
                gone.append("events.jsonl: \(error)".printable)
            }
        }
        if let log = await BlockingThreads.files.run({ ChildProcess.output("journalctl", Self.logArguments) }) {
            add("log.txt", log)
        } else {
            gone.append("log.txt: the journal of this host cannot be read")
        }
        if mask == nil {
            gone.append("the configuration cannot be read, so its secrets were not looked for in what is here")
        }
        if !gone.isEmpty { add("missing.txt", Array((gone.joined(separator: "\n") + "\n").utf8)) }
        return archive.finished()
    }

    /// Why the archive was not written.
    struct WriteFailure: Error {
        /// The value of `errno`.
        let code: CInt
    }

    /// Writes the archive to a new file that only its owner can read. A file that exists is not overwritten, and what
    /// an error leaves of the archive is removed.
    func write(_ findings: [Finding], to path: String) async throws(WriteFailure) {
        let bytes = await archive(findings)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw WriteFailure(code: errno) }
        var isWhole = false
        defer {
            close(descriptor)
            if !isWhole { unlink(path) }
        }
        do throws(SystemError) {
            try DescriptorIO.write(bytes, to: descriptor)
        } catch {
            throw WriteFailure(code: error.code)
        }
        isWhole = true
    }

    /// The last lines that the daemon's unit has logged.
    private static let logArguments = ["--unit=rstreamd", "--lines=1000", "--no-pager", "--output=short-iso"]

    /// The events that the daemon has stored, one a line.
    private func events() async throws -> [UInt8] {
        var lines: [UInt8] = []
        try await daemon.events(after: 0) {
            false
        } _: { _, json in
            lines += AdminJSON.escapingHidden(Array(json.utf8)) + [UInt8(ascii: "\n")]
            return true
        }
        return lines
    }

    /// Makes every character visible, so that a person can look at the text before it is sent.
    private static func printable(_ bytes: [UInt8], isJSON: Bool) -> [UInt8] {
        let text = String(decoding: isJSON ? AdminJSON.escapingHidden(bytes) : bytes, as: UTF8.self)
        return Array(text.split(byte: "\n", omittingEmpty: false).map(\.printable).joined(separator: "\n").utf8)
    }

    private func hide(_ bytes: [UInt8]) -> [UInt8] {
        mask?.hide(in: bytes) ?? bytes
    }

    /// The secrets that the configuration holds, and those in the files that it names.
    private static func secrets(of configuration: DaemonConfiguration) -> [[UInt8]] {
        var texts: [[UInt8]] = []
        let contexts =
            configuration.contexts + configuration.tunnels.map(\.context) + configuration.listeners.map(\.context)
        // Those that services are shown, too.
        let credentials =
            contexts.map(\.credential) + configuration.tunnels.compactMap { $0.options.tls?.credential }
        for credential in credentials {
            switch credential {
            case .token(let token): texts.append(token.trimmed.withBytes { Array($0) })
            case .tokenFile(let path), .tokenCredential(let path): texts += contents(of: path)
            case .clientCertificate(_, let key): texts += contents(of: key)
            case .hardwareKey(_, let key):
                texts += [key.file, key.pinFile].compactMap(\.self).flatMap { contents(of: $0) }
            case .clientCertificatePEM(_, let key): texts += lines(of: key.withBytes { Array($0) })
            case .none: break
            }
        }
        for context in contexts {
            if case .project(let project) = context.engine { texts += SecretMask.secrets(inHeaders: project.headers) }
            if let proxy = context.transport.proxy { texts += proxy.secrets }
        }
        return Array(Set(texts))
    }

    /// Longer than any token or key.
    private static let longestSecret = 1 << 20

    private static func contents(of path: String) -> [[UInt8]] {
        (try? HostFile(reading: path, limit: longestSecret)).map { lines(of: $0.bytes) } ?? []
    }

    /// The lines of a key, which may have other line endings elsewhere.
    private static func lines(of text: [UInt8]) -> [[UInt8]] {
        text.split { $0 == 0x0A || $0 == 0x0D }.map { line in
            let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
            return Array(line.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
        }.filter { !$0.starts(with: "-----".utf8) }
    }

    private static var host: String {
        var system = utsname()
        uname(&system)
        let fields = [field(&system.sysname), field(&system.release), field(&system.machine)]
        return "rstreamctl \(rstreamVersion)\n\(fields.joined(separator: " "))\n"
    }

    private static func field(_ bytes: inout some Any) -> String {
        withUnsafeBytes(of: &bytes) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
