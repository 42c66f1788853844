// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import Testing

@testable import RstreamCore
@testable import RstreamDaemon

@Suite("The table of names and addresses")
struct AddressTableTests {
    typealias Table = AddressTable<Int>

    private static func claims(
        _ name: String,
        port: UInt32? = nil,
        at engine: String = "engine.test"
    ) throws -> [Table.Claim] {
        let engine = EngineLocation.address(try EngineAddress(engine))
        return [Table.Claim(.name(name), at: engine)]
            + (port.map { [Table.Claim(.address(.port($0)), at: engine)] } ?? [])
    }

    @Test("two tunnels that exchange addresses wait for each other's close, and for nothing else")
    func exchange() throws {
        var table = Table()
        table.add(1, claiming: try Self.claims("web", port: 9_000))
        table.add(2, claiming: try Self.claims("other", port: 9_001))
        for tunnel in [1, 2] { table.markLeaving(tunnel) }
        table.add(3, claiming: try Self.claims("web", port: 9_001))
        table.add(4, claiming: try Self.claims("other", port: 9_000))
        for tunnel in [3, 4] { expect(&table, tunnel, mayOpen: false) }
        // Each name is held too.
        expect(&table, gone: 1, frees: [])
        expect(&table, gone: 2, frees: [3, 4])
        for tunnel in [3, 4] { expect(&table, tunnel, mayOpen: true) }
        for tunnel in [3, 4] { expect(&table, gone: tunnel, frees: []) }
        #expect(table.isEmpty)
    }

    @Test("new tunnels do not wait for each other: the engine rejects one of two with the same address")
    func wanted() throws {
        var table = Table()
        table.add(1, claiming: try Self.claims("web", port: 9_000))
        table.add(2, claiming: try Self.claims("other", port: 9_000))
        for tunnel in [1, 2] { expect(&table, tunnel, mayOpen: true) }
        // Nor is one in its own way.
        table.markLeaving(1)
        expect(&table, 1, mayOpen: true)
    }

    @Test("a tunnel with another engine, name or address does not wait")
    func others() throws {
        var table = Table()
        table.add(1, claiming: try Self.claims("web", port: 9_000))
        table.markLeaving(1)
        table.add(2, claiming: try Self.claims("web", port: 9_000, at: "elsewhere.test"))
        table.add(3, claiming: try Self.claims("other", port: 9_001))
        table.add(4, claiming: try Self.claims("other"))
        for tunnel in [2, 3, 4] { expect(&table, tunnel, mayOpen: true) }
        // One that is not published has a name all the same.
        table.add(5, claiming: try Self.claims("web"))
        expect(&table, 5, mayOpen: false)
        expect(&table, gone: 1, frees: [5])
    }

    @Test("a waiting tunnel that is removed no longer blocks those that wait for it")
    func droppedWhileWaiting() throws {
        var table = Table()
        table.add(1, claiming: try Self.claims("web", port: 9_000))
        table.markLeaving(1)
        table.add(2, claiming: try Self.claims("web", port: 9_000))
        expect(&table, 2, mayOpen: false)
        table.markLeaving(2)
        table.add(3, claiming: try Self.claims("other", port: 9_000))
        expect(&table, 3, mayOpen: false)
        expect(&table, gone: 2, frees: [])
        expect(&table, gone: 1, frees: [3])
        expect(&table, gone: 3, frees: [])
        #expect(table.isEmpty)
    }

    @Test("a tunnel that is gone before it is marked, or twice, holds nothing")
    func late() throws {
        var table = Table()
        table.add(1, claiming: try Self.claims("web", port: 9_000))
        expect(&table, gone: 1, frees: [])
        table.markLeaving(1)
        table.add(2, claiming: try Self.claims("web", port: 9_000))
        expect(&table, 2, mayOpen: true)
        expect(&table, gone: 1, frees: [])
        expect(&table, gone: 2, frees: [])
        #expect(table.isEmpty)
    }

    @Test("a replacement beside the old tunnel needs only its address to be free")
    func beside() throws {
        var table = Table()
        table.add(1, claiming: try Self.claims("web", port: 9_000))
        table.markLeaving(1)
        table.add(2, claiming: try Self.claims("web", port: 9_001))
        #expect(table.mayOpen(2, beside: 1))
        table.add(3, claiming: try Self.claims("other", port: 9_001))
        table.markLeaving(3)
        #expect(!table.mayOpen(2, beside: 1))
        // Back to an address that an earlier one still has.
        table.add(4, claiming: try Self.claims("web", port: 9_000))
        #expect(!table.mayOpen(4, beside: 2))
        // Its name, which that one still has too, may be asked for beside the one that serves.
        table.add(5, claiming: try Self.claims("web", port: 9_002))
        #expect(table.mayOpen(5, beside: 2))
    }

    private func expect(
        _ table: inout Table,
        _ tunnel: Int,
        mayOpen: Bool,
        _ location: SourceLocation = #_sourceLocation
    ) {
        let answer = table.mayOpen(tunnel)
        #expect(answer == mayOpen, "\(tunnel)", sourceLocation: location)
    }

    private func expect(
        _ table: inout Table,
        gone tunnel: Int,
        frees: [Int],
        _ location: SourceLocation = #_sourceLocation
    ) {
        let free = table.gone(tunnel)
        #expect(free == frees, "\(tunnel)", sourceLocation: location)
    }
}
