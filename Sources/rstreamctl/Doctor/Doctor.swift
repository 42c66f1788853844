internal import ArgumentParser
internal import Glibc
internal import Linux
internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamControl
internal import RstreamDoctor

struct Doctor: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find out what stands between the configuration and a visitor's page.",
        discussion: """
            Looks, in the order in which they are needed, at the configuration, credentials, proxy, DNS, TCP, TLS with its \
            certificates, ALPN, the engine's answer, the daemon and its tunnels, upstreams, limits and the clock. Each line \
            says ok, warn, fail or skip, and what to do. Works without a daemon, and tries then what it would listen at. \
            Run it as the daemon's user or as root: others may not read what the daemon reads. Ends with 1 when something \
            failed.
            """
    )

    @Option(
        help: ArgumentHelp(
            "Also write one archive (tar) for a bug report, with every secret gone.",
            valueName: "file"
        ),
        completion: .file()
    )
    var bundle: String?

    @Option(help: ArgumentHelp("The daemon's own file.", valueName: "file"), completion: .file())
    var config = DaemonConfiguration.usualFile

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        if let bundle, access(bundle, F_OK) == 0 {
            throw Failure(.failed, "\(bundle): there is a file already", "fix: name another one, or remove it")
        }
        var patience = AdminClient.Patience()
        // Whoever asks for a doctor may have a daemon that stands still.
        patience.answer = .seconds(5)
        let daemon = AdminClient(socket: options.socketPath, patience: patience)
        // The daemon's user may not be let into the folder that this process works in.
        let file = Path.absolute(config)
        let doctor = RstreamDoctor.Doctor(file: file, environment: ProcessEnvironment.variables, daemon: daemon)
        var findings: [Finding] = []
        let tell: (Finding) -> Void = { finding in
            findings.append(finding)
            // A result that cannot be written is complained about below.
            if !command.isJSON { try? command.console.write(DoctorView(finding).lines) }
        }
        let own = ProcessUser.current
        // One that stands still is told about later.
        patience.answer = .seconds(1)
        let healthy = AdminClient(socket: options.socketPath, patience: patience)
        if let finding = await DaemonIdentity.take(file: file, daemon: healthy) { tell(finding) }
        let isHealthy = await doctor.examine(tell)
        if command.isJSON {
            try command.console.write(document: try AdminJSON.encode(findings))
        } else {
            try command.console.write([DoctorView.summary(findings)])
        }
        if let bundle {
            let archive = Bundle(file: file, environment: ProcessEnvironment.variables, daemon: daemon)
            // The journal and the archive's folder are root's.
            try? own.become()
            try Self.write(await archive.archive(findings), to: bundle)
            command.console.complain(Line("\(bundle) written: look at it before you send it to somebody"))
        }
        return isHealthy ? .done : .failed
    }

    /// Makes a file that only its owner can read; one that is there already is not overwritten.
    private static func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(path, errno) }
        defer { close(descriptor) }
        do throws(SystemError) {
            try DescriptorIO.write(bytes, to: descriptor)
        } catch {
            // Half an archive is of no use, and would be in the way of the next one.
            unlink(path)
            throw failure(path, error.code)
        }
    }

    private static func failure(_ path: String, _ code: CInt) -> Failure {
        let reason = String(cString: strerror(code))
        return Failure(code == EACCES || code == EPERM ? .notPermitted : .failed, "\(path): \(reason)")
    }
}
