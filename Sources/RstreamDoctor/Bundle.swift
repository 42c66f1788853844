internal import Glibc
package import RstreamAdmin
internal import RstreamConfig
internal import RstreamModel

/// One archive for a bug report: what the doctor found, and what the daemon says about itself. Nothing in it is read from
/// a configuration file as text, and every secret that the configuration names is looked for and hidden once more; where
/// it cannot be read, the archive says that this was not done.
package struct Bundle: Sendable {
    private let daemon: AdminClient
    /// Nil when they are not known.
    private let secrets: [String]?

    /// Asks the daemon behind `daemon`; the configuration at `file` tells what must not be in the archive.
    package init(file: String, environment: [String: String], daemon: AdminClient) {
        self.daemon = daemon
        let loaded = try? ConfigurationLoader(environment: environment).load(file)
        secrets = loaded.map { Self.secrets(of: $0.configuration) }
    }

    /// The archive, an uncompressed tar.
    package func archive(_ findings: [Finding]) async -> [UInt8] {
        let now = time(nil)
        var archive = TarArchive()
        var gone: [String] = []
        func add(_ name: String, _ bytes: [UInt8]) {
            archive.add("rstreamd-report/\(name)", hide(bytes), modifiedAt: now)
        }
        add("doctor.json", (try? AdminJSON.encode(findings)) ?? [])
        add("host.txt", Array(Self.host.utf8))
        let calls: [(name: String, route: Route)] = [
            ("status.json", .status), ("streams.json", .streams(tunnel: nil)), ("config.json", .config),
            ("metrics.txt", .metrics),
        ]
        for (name, route) in calls {
            do throws(AdminClientError) {
                add(name, try await daemon.call(route))
            } catch {
                gone.append("\(name): \(error)")
            }
        }
        if secrets == nil {
            gone.append("the configuration cannot be read, so its secrets were not looked for in what is here")
        }
        if !gone.isEmpty { add("missing.txt", Array((gone.joined(separator: "\n") + "\n").utf8)) }
        return archive.finished()
    }

    private func hide(_ bytes: [UInt8]) -> [UInt8] {
        guard let secrets, !secrets.isEmpty else { return bytes }
        var text = String(decoding: bytes, as: UTF8.self)
        for secret in secrets {
            text = text.split(separator: secret, omittingEmptySubsequences: false).joined(separator: "***")
        }
        return Array(text.utf8)
    }

    /// Texts that must not be shown: those that the configuration holds, and those of the files that it names.
    private static func secrets(of configuration: DaemonConfiguration) -> [String] {
        var texts: [String] = []
        let contexts =
            configuration.contexts + configuration.tunnels.map(\.context) + configuration.listeners.map(\.context)
        for context in contexts {
            switch context.credential {
            case .token(let token): texts.append(token.reveal())
            case .tokenFile(let path), .tokenCredential(let path): texts += contents(of: path)
            case .clientCertificate(_, let key): texts += contents(of: key)
            case .clientCertificatePEM(_, let key): texts += lines(of: key.reveal())
            case .none: break
            }
            if case .project(let project) = context.engine { texts += project.headers.values }
            guard let proxy = context.transport.proxy else { continue }
            texts += proxy.headers.values
            if let credentials = proxy.credentials { texts.append(credentials.password.reveal()) }
            if case .environment(let environment) = proxy.route, let credentials = environment.proxy?.credentials {
                texts.append(credentials.password.reveal())
            }
        }
        // What is shorter than this is in every text.
        return Array(Set(texts.map(\.trimmed))).filter { $0.utf8.count >= 4 }.sorted { $0.count > $1.count }
    }

    private static func contents(of path: String) -> [String] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = read(descriptor, &chunk, chunk.count)
        return count > 0 ? lines(of: String(decoding: chunk[..<count], as: UTF8.self)) : []
    }

    /// A key of several lines has other ends of line where it is shown.
    private static func lines(of text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("-----") }.map(String.init)
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
