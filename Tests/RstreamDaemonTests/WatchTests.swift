// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Dispatch
import Glibc
import NIOCore
import NIOPosix
import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Linux
@testable import RstreamDaemon

@Suite("Watching files", .timeLimit(.hang))
struct WatchTests {
    // MARK: What counts

    @Test("a file is watched in its directory, with every name that matches a pattern, and nothing else")
    func plainFiles() {
        let list = WatchList(files: ["/nonexistent/rstreamd.yaml"], patterns: ["/nonexistent/tunnels.d/*.yaml"])
        #expect(list.concerns("rstreamd.yaml", in: "/nonexistent"))
        #expect(list.concerns("new.yaml", in: "/nonexistent/tunnels.d"))
        // The folder may come later.
        #expect(list.concerns("tunnels.d", in: "/nonexistent"))
        #expect(!list.concerns("rstreamd.yaml.swp", in: "/nonexistent"))
        #expect(!list.concerns("new.yaml", in: "/nonexistent"))
        #expect(!list.concerns(".new.yaml", in: "/nonexistent/tunnels.d"))
    }

    @Test("a watch that fails is described with the kernel's error, or plainly")
    func failure() {
        struct Strange: Error {}
        let noSpace = IOError(errnoCode: ENOSPC, reason: "epoll_ctl")
        #expect(WatchFailure.description(of: noSpace) == "No space left on device")
        #expect(WatchFailure.description(of: Strange()) == "it cannot be watched")
    }

    @Test("two Unicode spellings of a name are two files and two folders, as for the kernel")
    func spellings() {
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        let list = WatchList(
            files: ["/nonexistent/\(composed)/web.yaml", "/nonexistent/\(decomposed).yaml"],
            patterns: []
        )
        #expect(list.concerns("web.yaml", in: "/nonexistent/\(composed)"))
        #expect(!list.concerns("web.yaml", in: "/nonexistent/\(decomposed)"))
        #expect(list.concerns("\(decomposed).yaml", in: "/nonexistent"))
        #expect(!list.concerns("\(composed).yaml", in: "/nonexistent"))
        let both = WatchList(files: ["/a/\(composed)/x", "/a/\(decomposed)/x"], patterns: [])
        #expect(both.directories.keys.filter { $0.text.utf8.count > 3 }.count == 2)
    }

    @Test("a file without a directory is one of the working directory")
    func bareName() {
        let list = WatchList(files: ["rstreamd.yaml"], patterns: ["tunnels.d/*.yaml"])
        #expect(list.concerns("rstreamd.yaml", in: "."))
        #expect(list.concerns("tunnels.d", in: "."))
        #expect(list.concerns("web.yaml", in: "tunnels.d"))
    }

    @Test("every link on the path of a file is watched, as in volumes of Kubernetes")
    func links() async throws {
        try await TemporaryFolder.with { folder in
            #expect(mkdir(folder.path(of: "..1"), 0o700) == 0)
            try folder.write("", to: "..1/web.yaml")
            #expect(symlink("..1", folder.path(of: "..data")) == 0)
            #expect(symlink("..data/web.yaml", folder.path(of: "web.yaml")) == 0)
            let list = WatchList(files: [folder.path(of: "web.yaml")], patterns: [])
            #expect(list.concerns("web.yaml", in: folder.path))
            #expect(list.concerns("..data", in: folder.path))
            #expect(list.concerns("web.yaml", in: folder.path(of: "..1")))
            #expect(!list.concerns("other.yaml", in: folder.path))
        }
    }

    @Test("a loop of links is followed a limited number of times")
    func circle() async throws {
        try await TemporaryFolder.with { folder in
            #expect(symlink("b", folder.path(of: "a")) == 0)
            #expect(symlink("a", folder.path(of: "b")) == 0)
            let list = WatchList(files: [folder.path(of: "a")], patterns: [])
            #expect(list.concerns("a", in: folder.path))
            #expect(list.concerns("b", in: folder.path))
        }
    }

    // MARK: Reports

    private let stallDetector = StallDetector(MultiThreadedEventLoopGroup.singleton) { $0() }

    /// A watcher of `main.yaml` and `tunnels.d/*.yaml` in a folder, and the number of its reports.
    private func withWatcher(
        thread: BlockingThreads = BlockingThreads(most: 1),
        prepare: (TemporaryFolder) throws -> Void = { _ in },
        _ body: (TemporaryFolder, ConfigurationWatcher, Observed<Int>) async throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            try folder.write("", to: "main.yaml")
            try prepare(folder)
            let reports = Observed(0)
            let log = LogCapture()
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            let watcher = ConfigurationWatcher(
                on: loop,
                thread: thread,
                stallDetector: stallDetector,
                logger: log.logger
            ) {
                reports.change { $0 += 1 }
            }
            await watcher.follow(configuration(of: folder))
            try await body(folder, watcher, reports)
            watcher.close()
            #expect(log.lines.value.isEmpty)
        }
    }

    private func configuration(of folder: TemporaryFolder) -> DaemonConfiguration {
        var configuration = DaemonConfiguration(watch: true)
        configuration.files = [folder.path(of: "main.yaml")]
        configuration.includes = [folder.path(of: "tunnels.d/*.yaml")]
        return configuration
    }

    /// Waits for another report after `change`.
    private func expectReport(_ reports: Observed<Int>, of change: () throws -> Void) async throws {
        let before = reports.value
        try change()
        try await reports.wait(for: "a report") { $0 > before }
    }

    @Test("a file that is written, replaced, removed and created is reported each time")
    func oneFile() async throws {
        try await withWatcher { folder, _, reports in
            try await expectReport(reports) { try folder.write("1", to: "main.yaml") }
            try await expectReport(reports) { try folder.remove("main.yaml") }
            try await expectReport(reports) { try folder.write("2", to: "main.yaml") }
        }
    }

    @Test("a change of permissions is reported, because a file may be readable now")
    func permissions() async throws {
        try await withWatcher { folder, _, reports in
            try await expectReport(reports) { #expect(chmod(folder.path(of: "main.yaml"), 0o640) == 0) }
        }
    }

    @Test("a change between loading and watching is reported")
    func gap() async throws {
        try await TemporaryFolder.with { folder in
            let path = try folder.write("version: 1\nwatch: true\n", to: "main.yaml")
            let loaded = try ConfigurationLoader(environment: [:]).load(path).configuration
            let reports = Observed(0)
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            let watcher = ConfigurationWatcher(on: loop, stallDetector: stallDetector, logger: LogCapture().logger) {
                reports.change { $0 += 1 }
            }
            defer { watcher.close() }
            try folder.write("version: 1\nwatch: true\n\n", to: "main.yaml")
            await watcher.follow(loaded)
            try await reports.wait(for: "a report") { $0 > 0 }
        }
    }

    @Test("a new folder is reported, and after another scan its files, too")
    func newFolder() async throws {
        try await withWatcher { folder, watcher, reports in
            try await expectReport(reports) { #expect(mkdir(folder.path(of: "tunnels.d"), 0o700) == 0) }
            await watcher.refresh()
            try await expectReport(reports) { try folder.write("", to: "tunnels.d/web.yaml") }
            try await expectReport(reports) { try folder.remove("tunnels.d") }
        }
    }

    @Test(
        "events of a folder before the end of the scan that has found it are judged at its end",
        arguments: [true, false]
    )
    func early(isConcerned: Bool) {
        let list = WatchList(files: ["/nonexistent/a.yaml"], patterns: [])
        let event = FileWatch.Event(watch: 1, name: isConcerned ? "a.yaml" : "other")
        var folders = WatchedFolders()
        let isToldBefore = folders.received([event])
        #expect(!isToldBefore, "nobody watches it")
        folders.scanBegan()
        let isTold = folders.received([event])
        #expect(!isTold)
        let found = folders.scanEnded(list, [1: ["/nonexistent"]])
        #expect(found.isChanged == isConcerned)
        #expect(found.gone.isEmpty)
        let isToldNow = folders.received([event])
        #expect(isToldNow == isConcerned)
        // It is reported once, and a folder that is no longer watched is not.
        folders.scanBegan()
        let next = folders.scanEnded(WatchList(files: [], patterns: []), [:])
        #expect(!next.isChanged)
        #expect(next.gone == [1])
        let isToldLater = folders.received([event])
        #expect(!isToldLater)
    }

    @Test("too many events during a scan count as a change")
    func flood() {
        var folders = WatchedFolders()
        folders.scanBegan()
        let event = FileWatch.Event(watch: 1, name: "other")
        let few = folders.received(Array(repeating: event, count: WatchedFolders.maximumEarly))
        let many = folders.received([event])
        #expect(!few && many)
        let lost = folders.received([FileWatch.Event(watch: -1, name: nil)])
        #expect(lost)
    }

    @Test("a slow scan delays no report, and a stop does not wait for it")
    func slowLook() async throws {
        let (thread, gate) = (BlockingThreads(most: 1), DispatchSemaphore(value: 0))
        try await withWatcher(thread: thread) { folder, watcher, reports in
            defer { gate.signal() }
            thread.submit { gate.wait() }
            let scan = Task { await watcher.refresh() }
            try await expectReport(reports) { try folder.write("1", to: "main.yaml") }
            scan.cancel()
            try await within("the end of the wait") { await scan.value }
        }
    }

    @Test("a token that changes during the scan of a reload is reported")
    func credential() async throws {
        try await TemporaryFolder.with { folder in
            let token = try folder.write("one", to: "token")
            let context = ContextDefinition(
                name: "main",
                engine: .address(try EngineAddress("127.0.0.1:9")),
                credential: .tokenFile(path: token)
            )
            let configuration = DaemonConfiguration(
                tunnels: [
                    TunnelDefinition(
                        name: "web",
                        upstream: .tcp(host: "127.0.0.1", service: "9"),
                        spec: TunnelSpec(name: "web", publish: false),
                        context: context
                    )
                ]
            )
            let reports = Observed<[Set<String>]>([])
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            let watcher = CredentialWatcher(on: loop, stallDetector: stallDetector, logger: LogCapture().logger) {
                files in
                reports.change { $0.append(files) }
            }
            defer { watcher.close() }
            await watcher.follow(configuration)
            #expect(reports.value.isEmpty)
            try folder.write("another", to: "token")
            await watcher.follow(configuration)
            #expect(reports.value == [[token]])
            try folder.write("a third one", to: "token")
            try await reports.wait(for: "a report") { $0 == [[token], [token]] }
        }
    }

    @Test("one directory by two names is watched under both")
    func twoNames() async throws {
        try await withWatcher {
            #expect(mkdir($0.path(of: "elsewhere"), 0o700) == 0)
            try $0.write("", to: "elsewhere/web.yaml")
            #expect(symlink("elsewhere", $0.path(of: "tunnels.d")) == 0)
        } _: { folder, watcher, reports in
            var configuration = configuration(of: folder)
            // As the loader found it, and one that counts by the other name only.
            configuration.files += ["tunnels.d/web.yaml", "elsewhere/own.conf"].map { folder.path(of: $0) }
            await watcher.follow(configuration)
            try await expectReport(reports) { try folder.write("1", to: "elsewhere/web.yaml") }
            try await expectReport(reports) { try folder.write("", to: "elsewhere/new.yaml") }
            try await expectReport(reports) { try folder.write("", to: "elsewhere/own.conf") }
        }
    }

    @Test("a file that only a refused configuration names is watched until another one is followed")
    func refusedFile() async throws {
        try await withWatcher {
            try $0.write("", to: "other.yaml")
        } _: { folder, watcher, reports in
            await watcher.follow(configuration(of: folder), and: [folder.path(of: "other.yaml")])
            try await expectReport(reports) { try folder.write("1", to: "other.yaml") }
            await watcher.refresh()
            try await expectReport(reports) { try folder.write("2", to: "other.yaml") }
        }
    }
}
