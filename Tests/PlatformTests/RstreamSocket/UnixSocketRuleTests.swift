// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamSocket
import RstreamTestSupport
import Testing

/// Sockets of the tests belong to the user who runs them, so a rule that leaves that user out stands for a stranger's
/// socket.
@Suite("A Unix socket whose owner is judged", .timeLimit(.hang))
struct UnixSocketRuleTests {
    private static let nobody = UnixSocketRule(owners: [], directories: [])
    private static let me = UnixSocketRule(owners: [geteuid()], directories: [])

    /// Whether the rule lets the socket be connected to.
    private func isReached(path: String, by rule: UnixSocketRule) -> Bool {
        isPermitted { () throws(UnixSocket.Failure) in try UnixSocket.connect(toPath: path, by: rule) }
    }

    /// The same for a name in the abstract name space.
    private func isReached(abstract name: String, by rule: UnixSocketRule) -> Bool {
        isPermitted { () throws(UnixSocket.Failure) in try UnixSocket.connect(toAbstract: name, by: rule) }
    }

    private func isPermitted(_ connect: () throws(UnixSocket.Failure) -> CInt) -> Bool {
        do {
            close(try connect())
            return true
        } catch .notPermitted {
            return false
        } catch {
            Issue.record("not reached: \(error)")
            return false
        }
    }

    private func withSocket(_ body: (TemporaryFolder, String) throws -> Void) async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try await TestServer.with(at: .unix(path: path)) { _ in try body(folder, path) }
        }
    }

    @Test("is connected to when its owner is permitted, and not otherwise")
    func owner() async throws {
        try await withSocket { _, path in
            #expect(isReached(path: path, by: Self.me))
            #expect(!isReached(path: path, by: Self.nobody))
        }
    }

    @Test("is connected to for any owner when its directory is listed, and only directly in it")
    func directory() async throws {
        try await withSocket { folder, path in
            let listed = UnixSocketRule(owners: [], directories: [folder.path + "/"])
            #expect(isReached(path: path, by: listed))
            let parent = String(folder.path[..<(folder.path.lastIndex(of: "/") ?? folder.path.endIndex)])
            #expect(!isReached(path: path, by: UnixSocketRule(owners: [], directories: [parent])))
            let roundabout = "\(folder.path)/../\(folder.path.split(separator: "/").last ?? "")/s"
            #expect(!isReached(path: roundabout, by: listed))
        }
    }

    @Test("is judged by what a link leads to, not by the link")
    func link() async throws {
        try await withSocket { folder, path in
            let link = folder.path(of: "link")
            #expect(symlink(path, link) == 0)
            #expect(isReached(path: link, by: Self.me))
            #expect(!isReached(path: link, by: Self.nobody))
        }
    }

    @Test("is not reached by a link in a listed directory")
    func linkInListedDirectory() async throws {
        try await withSocket { folder, path in
            try folder.makeFolder("listed")
            let link = folder.path(of: "listed/link")
            #expect(symlink(path, link) == 0)
            let listed = UnixSocketRule(owners: [], directories: [folder.path(of: "listed")])
            #expect(!isReached(path: link, by: listed))
        }
    }

    /// Whether the socket is refused because it is reserved, and not for any other reason.
    private func isReserved(_ connect: () throws(UnixSocket.Failure) -> CInt) -> Bool {
        do {
            close(try connect())
            return false
        } catch .reserved {
            return true
        } catch {
            Issue.record("not reached: \(error)")
            return false
        }
    }

    private func expectReserved(path: String, by rule: UnixSocketRule) {
        let isReserved = isReserved { () throws(UnixSocket.Failure) in try UnixSocket.connect(toPath: path, by: rule) }
        #expect(isReserved, "\(path)")
    }

    @Test("that is reserved is not reached by any name, for any owner and any list, until it is released")
    func reserved() async throws {
        try await withSocket { folder, path in
            let sockets = ReservedSockets()
            var reservations = [sockets.reserve(path: path), sockets.reserve(path: path)]
            try folder.makeFolder("folder")
            let (second, link) = (folder.path(of: "second"), folder.path(of: "folder/link"))
            #expect(Glibc.link(path, second) == 0)
            #expect(symlink(path, link) == 0)
            let rules = [
                UnixSocketRule(owners: [geteuid()], directories: [], reserved: sockets),
                UnixSocketRule(owners: [], directories: [folder.path], reserved: sockets),
            ]
            let roundabout = [folder.path + "//s", folder.path(of: "./s"), folder.path(of: "folder/../s"), link]
            for name in [path, second] + roundabout { expectReserved(path: name, by: rules[0]) }
            for name in [path, second] { expectReserved(path: name, by: rules[1]) }
            #expect(sockets.reserve(path: folder.path) == nil, "no socket")
            reservations.removeLast()
            expectReserved(path: path, by: rules[0])
            reservations.removeLast()
            #expect(isReached(path: path, by: rules[0]))
        }
    }

    private func bindAbstract(_ name: String) throws -> CInt {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let offset = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: [0] + Array(name.utf8)) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(offset + 1 + name.utf8.count))
            }
        }
        try #require(result == 0)
        return descriptor
    }

    @Test("that was bound by another process is reserved by the name that the kernel knows, abstract ones too")
    func reservedByDescriptor() async throws {
        try await TemporaryFolder.with { folder in
            let sockets = ReservedSockets()
            let rule = UnixSocketRule(owners: [geteuid()], directories: [], reserved: sockets)
            let path = folder.path(of: "inherited")
            let bound = try UnixSocket.bind(toPath: path)
            defer { close(bound) }
            let reservation = try #require(sockets.reserve(bound: bound))
            expectReserved(path: path, by: rule)
            let name = "\(path)-abstract"
            let abstract = try bindAbstract(name)
            defer { close(abstract) }
            #expect(listen(abstract, 1) == 0)
            #expect(isReached(abstract: name, by: rule))
            let second = try #require(sockets.reserve(bound: abstract))
            #expect(isReserved { () throws(UnixSocket.Failure) in try UnixSocket.connect(toAbstract: name, by: rule) })
            withExtendedLifetime(second) {}
            withExtendedLifetime(reservation) {}
            // One that has no name is nobody's upstream.
            let nameless = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
            defer { close(nameless) }
            #expect(sockets.reserve(bound: nameless) == nil)
        }
    }

    @Test("in the abstract namespace is checked by its listener, and another user's gets no bytes")
    func abstract() async throws {
        try await TemporaryFolder.with { folder in
            let name = folder.path(of: "abstract")
            try await TestServer.with(at: .abstract(name: name)) { server in
                #expect(isReached(abstract: name, by: Self.me))
                #expect(!isReached(abstract: name, by: Self.nobody))
                let stranger = try await server.connection(1)
                #expect(try await stranger.receiveText().isEmpty)
            }
        }
    }
}
