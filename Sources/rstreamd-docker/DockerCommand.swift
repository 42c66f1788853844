// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Dispatch
internal import DockerTunnels
internal import Glibc
internal import Linux
internal import RstreamModel

/// `rstreamd-docker`: parses the command line, and keeps a tunnel file as the labels of containers want it.
struct DockerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rstreamd-docker",
        abstract: "Turns labels of containers into a tunnel file for rstreamd.",
        discussion: """
            Lists the running containers of Docker or Podman, and again whenever one comes, goes or changes. Labels like \
            rstream.tunnel.web.forward=8080 become tunnels in one file, which rstreamd includes and watches. A label with \
            a mistake is told in the log, and the other containers are served.
            """,
        version: rstreamVersion
    )

    /// Below the folder that the unit makes.
    private static let usualOutput = "/run/rstreamd-docker/docker.yaml"

    @Option(
        help: ArgumentHelp(
            "Where the API is: unix:///path or tcp://host:port.",
            discussion: "Without it, DOCKER_HOST says where; otherwise it is \(DockerHost.usual).",
            valueName: "url"
        )
    )
    var host: String?

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp("The tunnel file.", valueName: "file"),
        completion: .file()
    )
    var output = Self.usualOutput

    @Option(help: ArgumentHelp("The network whose address is used for a port without one.", valueName: "name"))
    var network: String?

    @Option(help: ArgumentHelp("The context of tunnels whose labels name none.", valueName: "name"))
    var context: String?

    @Option(
        help: ArgumentHelp("A context that the label rstream.context may name; may be repeated.", valueName: "name")
    )
    var allowContext: [String] = []

    @Flag(help: "Write the file once, and exit.")
    var once = false

    @Flag(help: "Print the file instead of writing it, and exit.")
    var dryRun = false

    @Flag(help: "Remove the file when this ends, so that its tunnels are closed.")
    var remove = false

    func validate() throws {
        _ = try place()
        guard [once, dryRun, remove].count(where: \.self) <= 1 else {
            throw ValidationError("--once, --dry-run and --remove exclude each other")
        }
        guard !output.isEmpty, !output.hasSuffix("/") else { throw ValidationError("--output does not name a file") }
        for (option, name) in [("--network", network), ("--context", context)] {
            if let name, name.trimmed.isEmpty { throw ValidationError("\(option) is blank") }
        }
    }

    func run() async throws {
        let api = DockerAPI(try place())
        var options = TunnelOptions()
        (options.network, options.context) = (network, context)
        options.labelContexts = allowContext
        if dryRun { return try await show(api, options) }
        let keeper = TunnelFileKeeper(output, host: api.host, options: options, say: Self.say)
        if once {
            let listing = try await Self.listing(of: api)
            if let error = await keeper.keep(listing) { throw Self.exit(for: error) }
            return
        }
        let (signals, received) = AsyncStream.makeStream(of: Void.self)
        let sources = Self.stopSignals(received)
        defer { for source in sources { source.cancel() } }
        Self.say(Notice(.info, "following the containers of \(api.host); their tunnels are in \(output)"))
        await withDiscardingTaskGroup { group in
            group.addTask { await DockerWatch(api, keeper).run() }
            for await _ in signals { break }
            group.cancelAll()
        }
        if remove { await keeper.remove() }
    }

    /// Prints what would be written. A tunnel that is left out is an error here.
    private func show(_ api: DockerAPI, _ options: TunnelOptions) async throws {
        let file = DockerTunnelFile(try await Self.listing(of: api), options)
        do throws(SystemError) {
            try DescriptorIO.write(file.text, to: STDOUT_FILENO)
        } catch {
            // A reader that has seen enough (`| head`) needs no message.
            if error.code != EPIPE { Self.say(Notice(.error, "standard output: \(error.reason)")) }
            throw ExitCode(1)
        }
        for complaint in file.complaints { Self.say(Notice(.warning, "\(complaint)")) }
        if !file.complaints.isEmpty { throw ExitCode(1) }
    }

    private static func listing(of api: DockerAPI) async throws -> ContainerListing {
        do throws(DockerFailure) {
            return try await api.listing()
        } catch {
            say(Notice(.error, "\(api.host): \(error)"))
            throw ExitCode(error == .notPermitted ? notPermitted : unavailable)
        }
    }

    private static func exit(for error: SystemError) -> ExitCode {
        ExitCode(error.code == EACCES || error.code == EPERM ? notPermitted : 1)
    }

    /// As in `rstreamctl` (contract §7).
    private static let unavailable: Int32 = 69
    private static let notPermitted: Int32 = 77

    // MARK: Surroundings

    /// Where the API is, by the option and the environment.
    private func place() throws -> DockerHost {
        let variables = ProcessEnvironment.variables
        let named = variables["DOCKER_HOST"].flatMap { $0.isEmpty ? nil : $0 }
        let place: DockerHost
        do throws(DockerHost.Invalid) {
            place = try (host ?? named).map { text throws(DockerHost.Invalid) in try DockerHost(text) } ?? .usual
        } catch {
            throw ValidationError("\(host == nil ? "DOCKER_HOST" : "--host"): \(error)")
        }
        if case .tcp = place, let verify = variables["DOCKER_TLS_VERIFY"], !verify.isEmpty {
            throw ValidationError("DOCKER_TLS_VERIFY is set, and TLS is not supported; forward a socket with ssh -L")
        }
        return place
    }

    /// Writes a line to standard error, for systemd with its level in front.
    private static func say(_ notice: Notice) {
        let isJournal = ProcessEnvironment.variables["JOURNAL_STREAM"] != nil
        let level =
            switch notice.level {
            case .error: "error: "
            case .warning: "warning: "
            case .notice, .info: ""
            }
        let head = isJournal ? "<\(notice.level.rawValue)>" : "rstreamd-docker: \(level)"
        try? DescriptorIO.write("\(head)\(notice.text.printable)\n", to: STDERR_FILENO)
    }

    /// Yields for each SIGTERM and SIGINT instead of ending the process, until the sources are cancelled.
    private static func stopSignals(_ received: AsyncStream<Void>.Continuation) -> [any DispatchSourceSignal] {
        [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { received.yield() }
            source.resume()
            return source
        }
    }
}
