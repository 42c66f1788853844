// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Testing

/// Calls that may block stand in few files, where ``MayBlock`` watches over the thread that makes them
/// (Sources/Linux/MayBlock.swift): a debug build ends where it is one that others wait for.
@Suite("calls that may block")
struct BlockingTests {
    private static let modules = [
        "Linux", "Rstream", "RstreamConfig", "RstreamCore", "RstreamDaemon", "RstreamRelay", "RstreamSocket", "Systemd",
    ]

    /// A call, and the only files that may make it.
    private static let calls: [(call: String, files: [String])] = [
        ("getaddrinfo(", ["Rstream/Resolver/SystemResolver.swift"]),
        ("copenssl_", ["Rstream/HardwareKeys/KeyDevice.swift"]),
        ("getservby", ["Linux/Services.swift"]),
        ("getpw", ["Linux/Accounts.swift"]),
        ("getgr", ["Linux/Accounts.swift"]),
        ("getifaddrs(", ["Rstream/Transport/LocalAddresses.swift"]),
        ("enumerateDevices(", ["Rstream/Transport/LocalAddresses.swift"]),
        ("malloc_trim(", ["Linux/Heap.swift"]),
        ("sd_notify(", ["Systemd/ServiceNotifier.swift"]),
        ("PathWalk(to: path)", ["Linux/HostFile.swift"]),
        ("inotify_add_watch(", ["Linux/FileWatch.swift"]),
        ("readlink(", ["Linux/ExecutableFile.swift", "RstreamDaemon/Watch/WatchList.swift"]),
        ("mkdirat(", ["RstreamSocket/SocketFile.swift"]),
        ("linkat(", ["Linux/HostFile.swift", "RstreamSocket/SocketFile.swift"]),
        ("FileStatus(name, in: ", ["RstreamSocket/SocketFile.swift"]),
        (
            "FileStatus(path)",
            [
                "RstreamDaemon/Admin/AdminPointer.swift", "RstreamDaemon/Doctor/PlaceExamination.swift",
                "RstreamSocket/ReservedSockets.swift",
            ]
        ),
        ("posix_spawnp(", ["Linux/ChildProcess.swift"]),
        (" mkdir(", ["RstreamDaemon/Admin/AdminListeners+Configuration.swift"]),
        ("rmdir(", ["RstreamDaemon/Admin/AdminListeners+Configuration.swift"]),
        ("symlink(", ["RstreamDaemon/Admin/AdminPointer.swift"]),
        (".atomic", ["RstreamDaemon/State/StateFile.swift"]),
        ("guard stat(", ["Rstream/Certificates/SystemTrust.swift", "RstreamConfig/Files/FileSystem.swift"]),
        ("opendir(directory)", ["RstreamConfig/Files/FileSystem.swift"]),
    ]

    /// Calls that block on any thread, or on threads of a pool that all share.
    private static let never = [
        "bind(host:", "makeAddressResolvingHost", "NIOThreadPool.singleton", "usleep(", " sleep(", "nanosleep(",
    ]

    @Test("are made in their own files, under watch", arguments: calls.indices)
    func places(index: Int) throws {
        let (call, files) = Self.calls[index]
        let found = try Self.modules.flatMap { try lines(of: $0) }.filter { line in
            // A process knows its own groups.
            line.text.contains(call) && !line.text.contains("getgroups(")
        }
        let strangers = found.filter { !files.contains($0.file) }.map { "\($0.file):\($0.number)" }
        #expect(strangers.isEmpty, "\(call) may block, and is made in \(files)")
        for file in files {
            #expect(found.contains { $0.file == file }, "\(file) does not make \(call) any more")
            let isWatched = try lines(of: String(file.prefix { $0 != "/" })).contains { line in
                line.file == file && line.text.contains("MayBlock.now(")
            }
            #expect(isWatched, "\(file) makes \(call) without MayBlock.now")
        }
    }

    @Test("some are not made at all", arguments: never)
    func absent(call: String) throws {
        let found = try Self.modules.flatMap { try lines(of: $0) }.filter { $0.text.contains(call) }
        #expect(found.map { "\($0.file):\($0.number)" }.isEmpty, "\(call) may block: resolve and wait elsewhere")
    }

    @Test("names are resolved in one place for every connection")
    func names() throws {
        let found = try Self.modules.flatMap { try lines(of: $0) }.filter { $0.text.contains("connect(host:") }
        #expect(Set(found.map(\.file)) == ["Rstream/Resolver/NameService.swift"])
    }

    @Test("threads of the daemon's tasks, and event loops, are known as threads that must not block")
    func marks() throws {
        let marks = try Self.modules.flatMap { try lines(of: $0) }.filter { line in
            line.text.contains("MayBlock.notHere()") || line.text.contains("MayBlock.never(")
        }
        #expect(
            Set(marks.map(\.file)) == [
                "Rstream/Client/RstreamClient.swift", "RstreamDaemon/Executor/TaskThreads.swift",
            ]
        )
    }

    /// The lines of code, without comments.
    private func lines(of module: String) throws -> [(file: String, number: Int, text: String)] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Sources/\(module)").path
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".swift") }
        #expect(!files.isEmpty)
        return try files.sorted().flatMap { file in
            try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
                .split(separator: "\n", omittingEmptySubsequences: false).enumerated()
                .filter { !$0.element.drop { $0 == " " }.hasPrefix("//") }
                .map { ("\(module)/\(file)", $0.offset + 1, String($0.element)) }
        }
    }
}
