// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Linux
import NIOCore
import RstreamConfig
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon
@testable import RstreamSocket

@Suite("Sockets of a process before this one", .serialized, .timeLimit(.hang))
struct SocketInheritanceTests {
    /// An admin socket that a process has listened on and nobody accepts from.
    private static func listen(at path: String) async throws -> SocketInheritance {
        let (file, socket) = try await BlockingThreads.files.tryRun { () throws(SocketFile.Failure) in
            let bound = try SocketFile.bind(path: path, mode: 0o600)
            guard Glibc.listen(bound.socket, 8) == 0 else { throw .errno(errno) }
            try bound.file.publish()
            return bound
        }
        return SocketInheritance([SocketLabel(.admin, path, file.identity): [socket]])
    }

    @Test(
        "who waits at an admin socket that is not configured any more gets an answer, also where its file is gone",
        arguments: [true, false]
    )
    func admin(isReplaced: Bool) async throws {
        try await RunningDaemon.withAdmin(DaemonConfiguration()) { daemon in
            try await TemporaryFolder.with { folder in
                let path = folder.path(of: "old.sock")
                let inheritance = try await Self.listen(at: path)
                let client = try await TestConnection.connect(to: SocketAddress(unixDomainSocketPath: path))
                try await client.send("GET /v1/log HTTP/1.1\r\nHost: rstreamd\r\nConnection: close\r\n\r\n")
                if isReplaced {
                    unlink(path)
                    try folder.write("", to: "old.sock")
                }
                await daemon.daemon.adminListeners.retireRest(of: inheritance)
                #expect(try await client.receiveText().hasPrefix("HTTP/1.1 200 "))
                // What is another one's by now stays.
                #expect((access(path, F_OK) == 0) == isReplaced)
                await client.close()
            }
        }
    }

    @Test("no tunnel leads to an admin socket of the process before this one")
    func reserved() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "old.sock")
            let inheritance = try await Self.listen(at: path)
            let identity = try #require(await BlockingThreads.files.run { FileStatus(path)?.identity })
            let reserved = ReservedSockets()
            var reservations = inheritance.reserveAdminSockets(in: reserved)
            #expect(reservations.count == 1)
            #expect(reserved.contains(identity))
            reservations = []
            #expect(!reserved.contains(identity))
            await inheritance.discardRest()
        }
    }

    @Test("what nothing has taken is closed, and its file is removed")
    func rest() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "old.sock")
            let inheritance = try await Self.listen(at: path)
            #expect(inheritance.contains(.admin, path))
            await inheritance.discardRest()
            #expect(!inheritance.contains(.admin, path))
            #expect(access(path, F_OK) != 0)
        }
    }
}
