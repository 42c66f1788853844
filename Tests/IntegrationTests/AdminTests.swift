// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import NIOPosix
import RstreamAdmin
import RstreamTestSupport
import Testing

extension Integration {
    @Suite struct AdminTests {
        private static let name = #"wéb "1\"#
        /// The same in YAML.
        private static let quoted = #""wéb \"1\\""#

        private static func socket(_ folder: ProcessFolder) -> String { "\(folder.path)/run/admin.sock" }

        private static func client(_ folder: ProcessFolder) -> AdminClient {
            AdminClient(socket: socket(folder), timeouts: .long)
        }

        /// Waits until the answer to a call is as wanted.
        private static func ask<Value: Decodable & Sendable>(
            _ folder: ProcessFolder,
            _ route: Route,
            as type: Value.Type = Value.self,
            until isWanted: (Value) -> Bool
        ) async throws -> Value {
            let deadline = ContinuousClock.now + testTimeout
            while true {
                let value = try await client(folder).call(route, as: type)
                if isWanted(value) || ContinuousClock.now > deadline { return value }
                try await Task.sleep(for: .milliseconds(10))
            }
        }

        @Test("the admin API is what its OpenAPI document says, whatever schemathesis sends")
        func conformance() async throws {
            let tunnels = """
                  - { name: \(Self.quoted), forward: "127.0.0.1:9", tunnel: { protocol: tcp } }
                  - { name: off, forward: "unix:/nothing", enabled: false, tunnel: { protocol: http } }
                """
            let settings =
                Pair.quick + "\nlisteners: [{ name: db, listen: \"127.0.0.1:0\", dial: nobody }]\n"
                + "metrics: { listen: \"127.0.0.1:0\" }"
            try await Pair.with(tunnels: tunnels, settings: settings) { pair in
                try await pair.daemon.logged("tunnel online")
                try await Judge(engine: pair.engine).run("admin_api.py", Self.socket(pair.folder), Self.name, "main")
            }
        }

        @Test("promtool finds nothing wrong with the metrics, which are those of the contract and have its labels")
        func metrics() async throws {
            try await Upstream.exchanging { upstream in
                let tunnels = """
                    \(Pair.raw(upstream))
                      - { name: \(Self.quoted), forward: "127.0.0.1:9", tunnel: { protocol: tcp } }
                    """
                try await Pair.with(tunnels: tunnels) { pair in
                    let port = try await pair.rawPort()
                    try await Visitor.exchange(Exchange(seed: 1, upload: 100, download: 200), port: port)
                    let text = String(decoding: try await Self.client(pair.folder).call(.metrics), as: UTF8.self)
                    let file = try pair.folder.write(text, to: "metrics.txt")
                    let check = try await ProcessHandle.run("/bin/sh", ["-c", "promtool check metrics < \(file)"])
                    #expect(check.exit == .status(0), "\(check.output) \(check.errors)")
                    #expect(check.output.isEmpty && check.errors.isEmpty, "\(check.output) \(check.errors)")
                    try await Judge(engine: pair.engine).run("metrics.py", Self.socket(pair.folder))
                    let families = Prometheus(text)
                    for (name, labels) in Self.contract { #expect(families.labels[name] == labels, "\(name)") }
                    #expect(families.isEveryHistogramConsistent)
                    let names = families.values(of: "tunnel")
                    #expect(names == ["raw", #"wéb \"1\\"#])
                    // Nothing that a visitor chose: the addresses of upstreams are the configuration's.
                    let others = text.split(separator: "\n").filter { !$0.hasPrefix("rstreamd_upstream_") }
                    #expect(others.allSatisfy { !$0.contains("127.0.0.1") })
                }
            }
        }

        /// The metrics of contract §8 and their labels; those of a histogram without `le`.
        private static let contract: [String: Set<String>] = [
            "rstreamd_build_info": ["version"], "rstreamd_session_online": ["context"],
            "rstreamd_session_verification_disabled": ["context"],
            "rstreamd_session_connects_total": ["context", "outcome"], "rstreamd_heartbeat_rtt_seconds": ["context"],
            "rstreamd_prewarm_total": ["context", "result"],
            "rstreamd_tunnel_online": ["tunnel"], "rstreamd_tunnel_enabled": ["tunnel"],
            "rstreamd_tunnel_info": ["tunnel", "context", "address"],
            "rstreamd_upstream_reachable": ["tunnel", "upstream"], "rstreamd_upstream_usable": ["tunnel", "upstream"],
            "rstreamd_upstream_streams_active": ["tunnel", "upstream"],
            "rstreamd_upstream_streams_total": ["tunnel", "upstream"],
            "rstreamd_upstream_streams_failed_total": ["tunnel", "upstream"], "rstreamd_streams_active": ["tunnel"],
            "rstreamd_streams_total": ["tunnel", "outcome"], "rstreamd_streams_refused_total": ["tunnel", "reason"],
            "rstreamd_stream_bytes_total": ["tunnel", "direction"], "rstreamd_stream_open_seconds": ["tunnel"],
            "rstreamd_upstream_connect_seconds": ["tunnel"], "rstreamd_reloads_total": ["outcome"],
            "rstreamd_config_last_reload_success_timestamp_seconds": [], "rstreamd_file_descriptors": ["kind"],
            "rstreamd_config_last_reload_successful": [], "rstreamd_log_dropped_lines_total": [],
            "rstreamd_tunnels_by_hand": [], "rstreamd_dial_streams_active": [],
            "rstreamd_dial_streams_total": ["outcome"], "rstreamd_dial_streams_refused_total": ["reason"],
            "rstreamd_dial_stream_bytes_total": ["direction"],
            "process_cpu_seconds_total": [], "process_open_fds": [], "process_max_fds": [],
            "process_resident_memory_bytes": [], "process_virtual_memory_bytes": [], "process_start_time_seconds": [],
        ]

        @Test("while 200 streams run, all counts are the bytes that were moved, and cutting one ends exactly that one")
        func counts() async throws {
            let count = 200
            try await Upstream.exchanging { upstream in
                let settings = Pair.quick + "\nlimits: { pendingStreams: 1000 }"
                try await Pair.with(tunnels: Pair.raw(upstream), settings: settings) { pair in
                    let port = try await pair.rawPort()
                    let loop = MultiThreadedEventLoopGroup.singleton.next()
                    let mayEnd = loop.makePromise(of: Void.self)
                    let plans = (0..<count).map {
                        Exchange(seed: UInt64($0), upload: 1_000 + $0, download: 2_000 + $0 * 3)
                    }
                    let ends = try await withThrowingTaskGroup(of: Bool.self) { group in
                        for plan in plans {
                            group.addTask {
                                do {
                                    try await Visitor.exchange(plan, port: port, mayEnd: mayEnd.futureResult)
                                    return true
                                } catch {
                                    return false
                                }
                            }
                        }
                        let received = plans.map { $0.upload + Exchange.headerBytes }.reduce(0, +)
                        let sent = plans.map(\.download).reduce(0, +)
                        do {
                            let tunnel = try await Self.ask(pair.folder, .tunnel("raw"), as: TunnelStatus.self) {
                                $0.bytes == ByteCounts(received: received, sent: sent)
                            }
                            #expect(tunnel.streams == StreamCounts(active: count, total: count, failed: 0))
                            #expect(tunnel.bytes == ByteCounts(received: received, sent: sent))
                            let client = Self.client(pair.folder)
                            let streams = try await client.call(.streams(tunnel: "raw"), as: [StreamStatus].self)
                            #expect(streams.count == count && streams.allSatisfy { $0.state == .relaying })
                            let wanted = plans.map { [$0.upload + Exchange.headerBytes, $0.download] }
                            #expect(Set(streams.map { [$0.bytes.received, $0.bytes.sent] }) == Set(wanted))
                            let metrics = String(decoding: try await client.call(.metrics), as: UTF8.self)
                            for line in [
                                #"rstreamd_streams_active{tunnel="raw"} \#(count)"#,
                                #"rstreamd_stream_bytes_total{tunnel="raw",direction="received"} \#(received)"#,
                                #"rstreamd_stream_bytes_total{tunnel="raw",direction="sent"} \#(sent)"#,
                            ] { #expect(metrics.contains(line + "\n"), "\(line)") }
                            _ = try await client.call(.cutStream(try #require(streams.first).id))
                            let rest = try await Self.ask(pair.folder, .streams(tunnel: nil), as: [StreamStatus].self) {
                                $0.count == count - 1
                            }
                            #expect(Set(rest.map(\.id)) == Set(streams.dropFirst().map(\.id)))
                        } catch {
                            mayEnd.succeed()
                            throw error
                        }
                        mayEnd.succeed()
                        return try await group.reduce(into: []) { $0.append($1) }
                    }
                    #expect(ends.count { !$0 } == 1)
                }
            }
        }

        @Test("hostile clients do not slow down streams, and leave nothing open")
        func hostility() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.with(tunnels: Pair.raw(upstream)) { pair in
                    let port = try await pair.rawPort()
                    try await Visitor.exchange(Exchange(seed: 0, upload: 10, download: 10), port: port)
                    try await pair.engine.wait { $0.relays == 0 }
                    let address = try SocketAddress(unixDomainSocketPath: Self.socket(pair.folder))
                    let pid = pair.daemon.process.pid
                    _ = try await Self.client(pair.folder).call(.status)
                    let before = ProcessFacts.descriptors(of: pid)
                    var clients: [TestConnection] = []
                    for index in 0..<80 {
                        let client = try await TestConnection.connect(to: address, reads: index % 2 == 0)
                        clients.append(client)
                        switch index % 5 {
                        case 0: try? await client.send("GET /v1/events HTTP/1.1\r\nHost: h\r\n\r\n")
                        case 1: try? await client.send("GET /v1/status HTTP/1.1\r\nHost: h\r\n\r\n")
                        case 2: try? await client.send("\u{1}\u{2}\u{3}")
                        case 3: try? await client.send("GET /" + String(repeating: "a", count: 100_000))
                        default: break
                        }
                    }
                    for seed in 1...20 {
                        try await Visitor.exchange(
                            Exchange(seed: UInt64(seed), upload: 300_000, download: 300_000),
                            port: port
                        )
                    }
                    for client in clients { await client.close() }
                    let left = try await ProcessFacts.settled(at: before) { ProcessFacts.descriptors(of: pid) }
                    #expect(left <= before)
                    #expect(try await Self.client(pair.folder).call(.status, as: DaemonStatus.self).isAsWanted)
                    #expect(pair.daemon.complaints().isEmpty)
                }
            }
        }

        @Test("a stop ends the streams of events and waits for no client, reading or not")
        func stop() async throws {
            try await Pair.with(tunnels: "  []", settings: Pair.quick) { pair in
                try await pair.daemon.logged("started")
                let address = try SocketAddress(unixDomainSocketPath: Self.socket(pair.folder))
                let reader = try await TestConnection.connect(to: address)
                try await reader.send("GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
                _ = try await reader.receive(50)
                let deaf = try await TestConnection.connect(to: address, reads: false)
                for _ in 0..<50 { try await deaf.send("GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n") }
                let exit = try await pair.daemon.process.terminate()
                #expect(exit == .status(0))
                #expect(try await reader.receiveText().hasSuffix("\r\n0\r\n\r\n"))
                #expect(access(Self.socket(pair.folder), F_OK) != 0)
                await deaf.close()
                await reader.close()
            }
        }

        @Test("a second daemon at the same socket ends with 77 and says why, and so does one whose socket is a file")
        func occupied() async throws {
            try await Pair.with(tunnels: "  []", settings: Pair.quick) { pair in
                try await pair.daemon.logged("started")
                let socket = Self.socket(pair.folder)
                let second = try await ProcessDaemon.start(in: pair.folder, file: "\(pair.folder.path)/rstreamd.yaml")
                #expect(try await second.process.end() == .status(77))
                let said = second.process.errors.all.joined(separator: "\n")
                #expect(said.contains("cannot listen on \(socket): another program listens there"), "\(said)")
                _ = try await Self.client(pair.folder).call(.status)
                let file = try pair.folder.write("mine", to: "file")
                let configuration = try pair.folder.write("version: 1\nadmin: { socket: \(file) }\n", to: "other.yaml")
                let third = try await ProcessDaemon.start(in: pair.folder, file: configuration)
                #expect(try await third.process.exit() == .status(77))
                #expect(try pair.folder.read("file") == "mine")
                // One that is killed leaves its socket, and the next one takes its place.
                await pair.daemon.process.kill()
                #expect(access(socket, F_OK) == 0)
                let next = try await ProcessDaemon.start(in: pair.folder, file: "\(pair.folder.path)/rstreamd.yaml")
                try await next.logged("started")
                _ = try await Self.client(pair.folder).call(.status)
                #expect(try await next.process.terminate() == .status(0))
            }
        }
    }
}

/// What a page of metrics says.
private struct Prometheus {
    private struct Sample {
        let name: String
        let labels: [(name: String, value: String)]
        let value: Double
    }

    private var samples: [Sample] = []
    private var families: [String: String] = [:]

    init(_ text: String) {
        for line in text.split(separator: "\n") {
            if line.hasPrefix("# TYPE ") {
                let words = line.split(separator: " ")
                families[String(words[2])] = String(words[3])
            } else if !line.hasPrefix("#"), let space = line.lastIndex(of: " ") {
                let series = line[..<space]
                let name = series.prefix { $0 != "{" }
                // Values of labels with commas in them are not in these tests.
                let labels = series.dropFirst(name.count + 1).dropLast().split(separator: ",").map { pair in
                    let parts = pair.split(separator: "=", maxSplits: 1)
                    return (name: String(parts[0]), value: String(parts[1].dropFirst().dropLast()))
                }
                let value = Double(line[line.index(after: space)...]) ?? .nan
                samples.append(Sample(name: String(name), labels: labels, value: value))
            }
        }
    }

    private func family(of sample: Sample) -> String {
        for ending in ["_bucket", "_sum", "_count"] where sample.name.hasSuffix(ending) {
            let name = String(sample.name.dropLast(ending.count))
            if families[name] == "histogram" { return name }
        }
        return sample.name
    }

    /// The labels of each family, for those whose samples all have the same.
    var labels: [String: Set<String>] {
        var labels: [String: Set<Set<String>>] = [:]
        for sample in samples {
            labels[family(of: sample), default: []].insert(Set(sample.labels.map(\.name).filter { $0 != "le" }))
        }
        return labels.compactMapValues { $0.count == 1 ? $0.first : nil }
    }

    func values(of label: String) -> Set<String> {
        Set(samples.flatMap(\.labels).filter { $0.name == label }.map(\.value))
    }

    /// Buckets grow, and the last one is the count.
    var isEveryHistogramConsistent: Bool {
        var isConsistent = true
        for (name, kind) in families where kind == "histogram" {
            var series: [[String]: [Double]] = [:]
            for sample in samples where sample.name == name + "_bucket" {
                series[sample.labels.dropLast().map(\.value), default: []].append(sample.value)
            }
            for (key, buckets) in series {
                let count = samples.first { $0.name == name + "_count" && $0.labels.map(\.value) == key }?.value
                isConsistent = isConsistent && buckets == buckets.sorted() && buckets.last == count
            }
            isConsistent = isConsistent && !series.isEmpty
        }
        return isConsistent
    }
}
