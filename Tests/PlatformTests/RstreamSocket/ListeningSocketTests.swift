// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import RstreamModel
import RstreamSocket
import Testing

@Suite("Listening at the addresses of a host")
struct ListeningSocketTests {
    /// A kernel, as far as it binds sockets.
    private final class Kernel {
        struct Socket: Hashable {
            let host: String
            let port: Int
        }

        /// What is said of addresses that it does not have.
        var absent: [String: CInt] = [:]
        var isTaken: (Socket) -> Bool = { _ in false }
        private(set) var open: [Socket] = []
        private(set) var attempts = 0
        private var lastPort = 40_000

        private func bind(_ address: SocketAddress) throws -> Socket {
            attempts += 1
            let host = address.ipAddress ?? ""
            if let code = absent[host] { throw IOError(errnoCode: code, reason: "bind") }
            if address.port == 0 { lastPort += 1 }
            let socket = Socket(host: host, port: address.port == 0 ? lastPort : address.port ?? 0)
            guard !isTaken(socket) else { throw IOError(errnoCode: EADDRINUSE, reason: "bind") }
            open.append(socket)
            return socket
        }

        func listen(at hosts: [String] = ["127.0.0.1", "::1"], port: Int) async throws -> [Socket] {
            try await ListeningSocket.bind(to: hosts.compactMap { IPAddress($0) }, port: port) { address in
                try bind(address)
            } portOf: {
                $0.port
            } discard: { socket in
                open.removeAll { $0 == socket }
            }
        }
    }

    @Test("is done at each of them, and port 0 is the same at all", arguments: [5_432, 0])
    func all(port: Int) async throws {
        let kernel = Kernel()
        let sockets = try await kernel.listen(port: port)
        #expect(sockets.map(\.host) == ["127.0.0.1", "::1"])
        #expect(sockets.allSatisfy { $0.port == (port == 0 ? 40_001 : port) })
        #expect(kernel.open == sockets)
    }

    @Test(
        "is done without those that this host does not have, be it the address or the family",
        arguments: [EADDRNOTAVAIL, EAFNOSUPPORT],
        ["127.0.0.1", "::1"]
    )
    func absent(code: CInt, host: String) async throws {
        for port in [5_432, 0] {
            let kernel = Kernel()
            kernel.absent = [host: code]
            let sockets = try await kernel.listen(port: port)
            #expect(sockets.map(\.host) == ["127.0.0.1", "::1"].filter { $0 != host })
            #expect(sockets.allSatisfy { $0.port > 0 })
        }
    }

    @Test("is done without addresses of a link, which a host's own name has beside others")
    func linkLocal() async throws {
        let kernel = Kernel()
        kernel.absent = ["fe80::1": EINVAL, "2001:db8::1": EINVAL]
        #expect(try await kernel.listen(at: ["fe80::1", "192.0.2.1"], port: 80).map(\.host) == ["192.0.2.1"])
        for host in ["fe80::1", "2001:db8::1"] {
            let refusal = await #expect(throws: ListeningSocket.Refusal.self) {
                _ = try await kernel.listen(at: [host], port: 80)
            }
            #expect(refusal?.cause.errnoCode == EINVAL)
        }
        await #expect(throws: ListeningSocket.Refusal.self) {
            _ = try await kernel.listen(at: ["192.0.2.2", "2001:db8::1"], port: 80)
        }
        #expect(kernel.open.map(\.host) == ["192.0.2.1"])
    }

    @Test("is done once at an address that a resolver says twice, or as one of IPv6 too")
    func repeated() async throws {
        let kernel = Kernel()
        let hosts = ["192.0.2.1", "::1", "192.0.2.1", "::ffff:192.0.2.1", "::1"]
        #expect(try await kernel.listen(at: hosts, port: 80).map(\.host) == ["192.0.2.1", "::1"])
        #expect(kernel.attempts == 2)
    }

    @Test("fails with what is said of the first where there is none of them")
    func none() async {
        let kernel = Kernel()
        kernel.absent = ["192.0.2.1": EADDRNOTAVAIL, "2001:db8::1": EAFNOSUPPORT]
        let refusal = await #expect(throws: ListeningSocket.Refusal.self) {
            _ = try await kernel.listen(at: ["192.0.2.1", "2001:db8::1"], port: 80)
        }
        #expect(refusal?.cause.errnoCode == EADDRNOTAVAIL)
        #expect(refusal?.place(of: "away.test:80") == "192.0.2.1:80 (away.test:80)")
        let nothing = await #expect(throws: IOError.self) { _ = try await kernel.listen(at: [], port: 80) }
        #expect(nothing?.errnoCode == EADDRNOTAVAIL)
    }

    @Test("fails at all of them if one is in use, which is named", arguments: ["127.0.0.1", "::1"])
    func taken(host: String) async {
        let kernel = Kernel()
        kernel.isTaken = { $0.host == host }
        let refusal = await #expect(throws: ListeningSocket.Refusal.self) { _ = try await kernel.listen(port: 80) }
        #expect(refusal?.cause.errnoCode == EADDRINUSE)
        let place = host == "::1" ? "[::1]:80" : "127.0.0.1:80"
        #expect(refusal?.place(of: "localhost:80") == "\(place) (localhost:80)")
        #expect(refusal?.place(of: place) == place)
        #expect(kernel.open.isEmpty)
    }

    @Test("at port 0 tries other ports where one is free at some of them only, and not for ever")
    func otherPorts() async throws {
        let kernel = Kernel()
        kernel.isTaken = { $0.host == "::1" && $0.port < 40_003 }
        #expect(try await kernel.listen(port: 0).map(\.port) == [40_003, 40_003])
        #expect(kernel.open.count == 2)
        let full = Kernel()
        full.isTaken = { $0.host == "::1" }
        await #expect(throws: ListeningSocket.Refusal.self) { _ = try await full.listen(port: 0) }
        #expect(full.open.isEmpty)
        #expect(full.attempts < 100)
    }

    @Test("tries no other port than the one that was wanted, and nothing again for another reason")
    func once() async {
        let kernel = Kernel()
        kernel.isTaken = { _ in true }
        await #expect(throws: ListeningSocket.Refusal.self) { _ = try await kernel.listen(port: 80) }
        kernel.absent = ["127.0.0.1": EACCES]
        await #expect(throws: ListeningSocket.Refusal.self) { _ = try await kernel.listen(port: 0) }
        #expect(kernel.attempts == 2)
    }

    @Test("names a place as a configuration does")
    func places() throws {
        #expect(try SocketAddress(ipAddress: "127.0.0.1", port: 80).place == "127.0.0.1:80")
        #expect(try SocketAddress(ipAddress: "::1", port: 80).place == "[::1]:80")
        #expect(try SocketAddress(unixDomainSocketPath: "/run/s").place == nil)
    }
}
