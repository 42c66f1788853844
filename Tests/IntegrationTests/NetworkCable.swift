// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamTestSupport

/// Two network namespaces and a cable between them: one for the daemon with its upstream, one for the engine with its
/// visitors. The network of the host is not touched.
///
/// Their names hold the number of this process, so that what a run that crashed left behind is removed by the next.
struct NetworkCable {
    /// One end of the cable: a namespace, whose interface has the same name in both.
    struct End {
        let namespace: String
        let address: String
    }

    let daemon: End
    let engine: End

    static let interface = "cable"
    private static let ip = "/usr/sbin/ip"
    private static let prefix = "rstreamd-test-"

    /// Namespaces cannot be made here.
    struct NotPossible: Error, CustomStringConvertible {
        let description: String
    }

    static let needs = "network namespaces need root, iproute2 and nftables"

    /// Whether the host lets this process make network namespaces.
    static func isPossible() async -> Bool {
        if Binaries.mustBeComplete { return true }
        return (try? await checkTools()) != nil
    }

    private static func checkTools() async throws {
        for tool in [ip, "/usr/sbin/nft"] where access(tool, X_OK) != 0 {
            throw NotPossible(description: "\(tool) is not there; packaging/dependencies installs it")
        }
        guard (try? await command(["/usr/bin/unshare", "--net", "/bin/true"])) != nil else {
            throw NotPossible(description: "this process may not make network namespaces; run the tests as root")
        }
    }

    /// Lays a cable for as long as a body runs.
    static func with<Result>(_ body: (NetworkCable) async throws -> Result) async throws -> Result {
        try await checkTools()
        await removeLeftovers()
        let name = "\(prefix)\(getpid())"
        let cable = NetworkCable(
            daemon: End(namespace: "\(name)-daemon", address: "10.99.0.1"),
            engine: End(namespace: "\(name)-engine", address: "10.99.0.2")
        )
        do {
            try await cable.lay()
            let result = try await body(cable)
            await cable.remove()
            return result
        } catch {
            await cable.remove()
            throw error
        }
    }

    private func lay() async throws {
        for end in [daemon, engine] { try await Self.command([Self.ip, "netns", "add", end.namespace]) }
        try await Self.command(
            [Self.ip, "link", "add", Self.interface, "netns", daemon.namespace, "type", "veth"]
                + ["peer", "name", Self.interface, "netns", engine.namespace]
        )
        for end in [daemon, engine] {
            try await ip(end, "addr add \(end.address)/24 dev \(Self.interface)")
            try await ip(end, "link set lo up")
            try await ip(end, "link set \(Self.interface) up")
        }
    }

    private func remove() async {
        for end in [daemon, engine] { _ = try? await Self.command([Self.ip, "netns", "del", end.namespace]) }
    }

    private static func removeLeftovers() async {
        guard let names = try? await command([ip, "netns", "list"]) else { return }
        for name in names.compactMap({ $0.split(separator: " ").first.map(String.init) }) where name.hasPrefix(prefix) {
            guard let pid = name.dropFirst(prefix.count).split(separator: "-").first.flatMap({ pid_t($0) }) else {
                continue
            }
            // A run that goes on beside this one keeps its own.
            if kill(pid, 0) != 0, errno == ESRCH { _ = try? await command([ip, "netns", "del", name]) }
        }
    }

    /// Runs `ip` for one end: an object of it, and what is to become of that.
    func ip(_ end: End, _ words: String) async throws {
        try await Self.command([Self.ip, "-n", end.namespace] + words.split(separator: " ").map(String.init))
    }

    /// Gives the firewall of one end one rule in a chain of its own, `input` or `output`, until ``heal(_:)``.
    func drop(_ end: End, _ hook: String, _ rule: String) async throws {
        try await run(
            end,
            "/usr/sbin/nft",
            "add table inet fault; add chain inet fault it { type filter hook \(hook) priority 0; }; "
                + "add rule inet fault it \(rule) drop"
        )
    }

    func heal(_ end: End) async throws {
        try await run(end, "/usr/sbin/nft", "delete table inet fault")
    }

    /// Runs a program at one end; it must succeed.
    @discardableResult
    func run(_ end: End, _ words: String...) async throws -> [String] {
        try await Self.command([Self.ip, "netns", "exec", end.namespace] + words)
    }

    @discardableResult
    private static func command(_ words: [String]) async throws -> [String] {
        let result = try await ProcessHandle.run(words[0], Array(words.dropFirst()))
        guard result.exit == .status(0) else {
            throw NotPossible(description: "\(words.joined(separator: " ")): \(result.errors.joined(separator: "\n"))")
        }
        return result.output
    }
}
