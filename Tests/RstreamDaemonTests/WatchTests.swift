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

    @Test("a file counts in its directory, and whatever would fit a pattern, and nothing else")
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

    @Test("what cannot be watched is told with the kernel's words, or plainly")
    func trouble() {
        struct Strange: Error {}
        let noSpace = IOError(errnoCode: ENOSPC, reason: "epoll_ctl")
        #expect(WatchFailure.words(noSpace) == "No space left on device")
        #expect(WatchFailure.words(Strange()) == "it cannot be watched")
    }

    @Test("two spellings of a name are two files and two folders, as the kernel tells them")
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

    @Test("every link on the way to a file counts, as in the folders that Kubernetes mounts")
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

    @Test("links that go round in a circle are followed for a while only")
    func circle() async throws {
        try await TemporaryFolder.with { folder in
            #expect(symlink("b", folder.path(of: "a")) == 0)
            #expect(symlink("a", folder.path(of: "b")) == 0)
            let list = WatchList(files: [folder.path(of: "a")], patterns: [])
            #expect(list.concerns("a", in: folder.path))
            #expect(list.concerns("b", in: folder.path))
        }
    }

    // MARK: Being told

    private let stallDetector = StallDetector(MultiThreadedEventLoopGroup.singleton) { $0() }

    /// A watcher of `main.yaml` and `tunnels.d/*.yaml` in a folder, and how often it told.
    private func withWatcher(
        thread: BlockingThreads = BlockingThreads(most: 1),
        prepare: (TemporaryFolder) throws -> Void = { _ in },
        _ body: (TemporaryFolder, ConfigurationWatcher, Observed<Int>) async throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            try folder.write("", to: "main.yaml")
            try prepare(folder)
            let told = Observed(0)
            let log = LogCapture()
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            let watcher = ConfigurationWatcher(
                on: loop,
                thread: thread,
                stallDetector: stallDetector,
                logger: log.logger
            ) {
                told.change { $0 += 1 }
            }
            await watcher.follow(configuration(of: folder))
            try await body(folder, watcher, told)
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

    /// Returns when it was told once more after `change`.
    private func expectTold(_ told: Observed<Int>, of change: () throws -> Void) async throws {
        let before = told.value
        try change()
        try await told.wait(for: "word of a change") { $0 > before }
    }

    @Test("a file that is written, replaced, removed and back is told each time")
    func oneFile() async throws {
        try await withWatcher { folder, _, told in
            try await expectTold(told) { try folder.write("1", to: "main.yaml") }
            try await expectTold(told) { try folder.remove("main.yaml") }
            try await expectTold(told) { try folder.write("2", to: "main.yaml") }
        }
    }

    @Test("other permissions are told, because a file may be readable now")
    func permissions() async throws {
        try await withWatcher { folder, _, told in
            try await expectTold(told) { #expect(chmod(folder.path(of: "main.yaml"), 0o640) == 0) }
        }
    }

    @Test("what changed between being loaded and being watched is told")
    func gap() async throws {
        try await TemporaryFolder.with { folder in
            let path = try folder.write("version: 1\nwatch: true\n", to: "main.yaml")
            let loaded = try ConfigurationLoader(environment: [:]).load(path).configuration
            let told = Observed(0)
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            let watcher = ConfigurationWatcher(on: loop, stallDetector: stallDetector, logger: LogCapture().logger) {
                told.change { $0 += 1 }
            }
            defer { watcher.close() }
            try folder.write("version: 1\nwatch: true\n\n", to: "main.yaml")
            await watcher.follow(loaded)
            try await told.wait(for: "word of a change") { $0 > 0 }
        }
    }

    @Test("a folder that comes is told, and after another look its files too")
    func newFolder() async throws {
        try await withWatcher { folder, watcher, told in
            try await expectTold(told) { #expect(mkdir(folder.path(of: "tunnels.d"), 0o700) == 0) }
            await watcher.refresh()
            try await expectTold(told) { try folder.write("", to: "tunnels.d/web.yaml") }
            try await expectTold(told) { try folder.remove("tunnels.d") }
        }
    }

    @Test(
        "what happens in a folder before the look that found it is over is judged at its end",
        arguments: [true, false]
    )
    func early(isConcerned: Bool) {
        let list = WatchList(files: ["/nonexistent/a.yaml"], patterns: [])
        let event = FileWatch.Event(watch: 1, name: isConcerned ? "a.yaml" : "other")
        var folders = WatchedFolders()
        let isToldBefore = folders.received([event])
        #expect(!isToldBefore, "nobody watches it")
        folders.lookBegan()
        let isTold = folders.received([event])
        #expect(!isTold)
        let found = folders.lookEnded(list, [1: ["/nonexistent"]])
        #expect(found.isChanged == isConcerned)
        #expect(found.gone.isEmpty)
        let isToldNow = folders.received([event])
        #expect(isToldNow == isConcerned)
        // It is told once, and of what is watched no more nothing is.
        folders.lookBegan()
        let next = folders.lookEnded(WatchList(files: [], patterns: []), [:])
        #expect(!next.isChanged)
        #expect(next.gone == [1])
        let isToldLater = folders.received([event])
        #expect(!isToldLater)
    }

    @Test("more than can be remembered during a look is a change")
    func flood() {
        var folders = WatchedFolders()
        folders.lookBegan()
        let event = FileWatch.Event(watch: 1, name: "other")
        let few = folders.received(Array(repeating: event, count: WatchedFolders.mostEarly))
        let many = folders.received([event])
        #expect(!few && many)
        let lost = folders.received([FileWatch.Event(watch: -1, name: nil)])
        #expect(lost)
    }

    @Test("a look that takes its time keeps no word of a change, and a stop does not wait for it")
    func slowLook() async throws {
        let (thread, gate) = (BlockingThreads(most: 1), DispatchSemaphore(value: 0))
        try await withWatcher(thread: thread) { folder, watcher, told in
            defer { gate.signal() }
            thread.submit { gate.wait() }
            let look = Task { await watcher.refresh() }
            try await expectTold(told) { try folder.write("1", to: "main.yaml") }
            look.cancel()
            try await within("the end of the wait") { await look.value }
        }
    }

    @Test("a token that changes while a reload looks at the files is told all the same")
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
            let told = Observed<[Set<String>]>([])
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            let watcher = CredentialWatcher(on: loop, stallDetector: stallDetector, logger: LogCapture().logger) {
                files in
                told.change { $0.append(files) }
            }
            defer { watcher.close() }
            await watcher.follow(configuration)
            #expect(told.value.isEmpty)
            try folder.write("another", to: "token")
            await watcher.follow(configuration)
            #expect(told.value == [[token]])
            try folder.write("a third one", to: "token")
            try await told.wait(for: "word of a change") { $0 == [[token], [token]] }
        }
    }

    @Test("one directory by two names is watched under both")
    func twoNames() async throws {
        try await withWatcher {
            #expect(mkdir($0.path(of: "elsewhere"), 0o700) == 0)
            try $0.write("", to: "elsewhere/web.yaml")
            #expect(symlink("elsewhere", $0.path(of: "tunnels.d")) == 0)
        } _: { folder, watcher, told in
            var configuration = configuration(of: folder)
            // As the loader found it, and one that counts by the other name only.
            configuration.files += ["tunnels.d/web.yaml", "elsewhere/own.conf"].map { folder.path(of: $0) }
            await watcher.follow(configuration)
            try await expectTold(told) { try folder.write("1", to: "elsewhere/web.yaml") }
            try await expectTold(told) { try folder.write("", to: "elsewhere/new.yaml") }
            try await expectTold(told) { try folder.write("", to: "elsewhere/own.conf") }
        }
    }

    @Test("a file that only a refused configuration names is watched until another one is followed")
    func refusedFile() async throws {
        try await withWatcher {
            try $0.write("", to: "other.yaml")
        } _: { folder, watcher, told in
            await watcher.follow(configuration(of: folder), and: [folder.path(of: "other.yaml")])
            try await expectTold(told) { try folder.write("1", to: "other.yaml") }
            await watcher.refresh()
            try await expectTold(told) { try folder.write("2", to: "other.yaml") }
        }
    }
}
