// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamTestSupport
import Testing

/// Docker or Podman as Debian has it, with a network and processes of its own. They end with it, and nothing is done to
/// those of the host.
struct ContainerSite: Sendable {
    enum Program: String, CaseIterable, Sendable {
        case docker, podman

        /// The network that containers are in unless they ask for another one.
        var network: String { self == .docker ? "bridge" : "podman" }
    }

    /// Something did not work.
    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    static let needs = "containers need root, docker.io, docker-cli, podman, netavark, crun and busybox-static"

    /// Whether containers can run here.
    static var isPossible: Bool {
        if Binaries.mustBeComplete { return true }
        let programs = ["/usr/sbin/dockerd", client, "/usr/bin/podman", "/usr/lib/podman/netavark", "/usr/bin/busybox"]
        return getuid() == 0 && programs.allSatisfy { access($0, X_OK) == 0 }
    }

    /// Docker's, which speaks to Podman, too.
    private static let client = "/usr/bin/docker"
    private static let path = "/usr/sbin:/usr/bin:/sbin:/bin"

    /// What stays as long as the site: namespaces with a network, a list of groups and a `/run` of their own.
    private static let namespaces = """
        mount -t sysfs sysfs /sys
        mount -t cgroup2 cgroup2 /sys/fs/cgroup
        mount -t tmpfs run /run
        ip link set lo up
        echo ready
        exec sleep infinity
        """

    private let program: Program
    private let folder: ProcessFolder
    /// The first process in the namespaces.
    private let first: Int32

    /// Where the API is.
    var host: String { "unix://\(folder.path)/\(program).sock" }

    /// Runs a body with a site whose API answers, and which has the image `busybox`.
    static func with(
        _ program: Program,
        in folder: ProcessFolder,
        _ body: (ContainerSite, _ service: ProcessHandle) async throws -> Void
    ) async throws {
        let holder = try await ProcessHandle.start(
            "/usr/bin/unshare",
            ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
                + ["/bin/bash", "-euc", namespaces],
            environment: ["PATH": path]
        )
        do {
            _ = try await holder.output.first { $0 == "ready" }
            let children = ProcessFacts.text(of: holder.pid, "task/\(holder.pid)/children")
            let first = try #require(children.split(separator: " ").first.flatMap { Int32($0) })
            let site = ContainerSite(program: program, folder: folder, first: first)
            let service = try await site.start()
            do {
                try await site.importImage()
                try await body(site, service)
                // The kernel keeps the groups of those that are not removed.
                let left = try await site.docker("ps -aq")
                if !left.isEmpty { try await site.docker("rm -f \(left.joined(separator: " "))") }
                await holder.kill()
            } catch {
                print("the lines of \(program):", service.errors.all.suffix(20).joined(separator: "\n"))
                throw error
            }
        } catch {
            await holder.kill()
            throw error
        }
    }

    /// Starts what serves the API. Containers run on without it.
    func start() async throws -> ProcessHandle {
        let service = try await ProcessHandle.start(
            "/usr/bin/nsenter",
            inside + command,
            environment: ["PATH": Self.path]
        )
        try await within("an answer of \(program)") {
            while try await ask(["version"]).exit != .status(0) { try await Task.sleep(for: .milliseconds(20)) }
        }
        return service
    }

    /// How a command becomes one of the site's; the tests may themselves run in a root of their own.
    private var inside: [String] { ["--target", "\(first)", "--net", "--mount", "--pid", "--root", "--wd", "--"] }

    private var command: [String] {
        let data = "\(folder.path)/\(program)"
        // Storage without mounts; no rules for packets, because containers reach nothing but each other.
        return switch program {
        case .docker:
            ["dockerd", "--host", host, "--data-root", data, "--exec-root", "/run/docker"]
                + ["--pidfile", "/run/docker.pid", "--storage-driver", "vfs", "--live-restore"]
                + ["--iptables=false", "--ip6tables=false", "--userland-proxy=false"]
        case .podman:
            ["bash", "-c", "echo $$ >/run/podman.pid && exec podman \"$@\"", "bash"]
                + ["--root", data, "--runroot", "/run/podman-root", "--storage-driver", "vfs"]
                + ["--cgroup-manager", "cgroupfs", "system", "service", "--time", "0", host]
        }
    }

    /// Stops what serves the API.
    func stop(_ service: ProcessHandle) async throws {
        try await run(
            "/usr/bin/nsenter",
            inside + ["bash", "-c", "kill $(</run/\(program).pid)"]
        )
        _ = try await service.exit()
    }

    private func importImage() async throws {
        try await run(
            "/bin/bash",
            ["-euo", "pipefail", "-c", "tar -C /usr -c bin/busybox | \(Self.client) --host \(host) import - busybox"]
        )
    }

    /// Runs a command of Docker's client, whose words have spaces between them, and returns what it prints.
    @discardableResult
    func docker(_ words: String) async throws -> [String] {
        let words = words.split(separator: " ").map(String.init)
        let result = try await ask(words)
        guard result.exit == .status(0) else {
            throw Failed(description: "\(program): \(words): \(result.errors.suffix(5))")
        }
        return result.output
    }

    private func ask(
        _ words: [String]
    ) async throws -> (exit: ProcessHandle.Exit, output: [String], errors: [String]) {
        try await ProcessHandle.run(Self.client, ["--host", host] + words, environment: ["HOME": folder.path])
    }

    private func run(_ program: String, _ arguments: [String]) async throws {
        let result = try await ProcessHandle.run(program, arguments, environment: ["PATH": Self.path])
        guard result.exit == .status(0) else { throw Failed(description: "\(arguments): \(result.errors.suffix(5))") }
    }

    /// The address of a container that runs.
    func address(of container: String) async throws -> String {
        try await docker("inspect -f {{range.NetworkSettings.Networks}}{{.IPAddress}}{{end}} \(container)").joined()
    }
}
