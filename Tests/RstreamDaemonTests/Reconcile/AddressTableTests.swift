import RstreamModel
import Testing

@testable import RstreamCore
@testable import RstreamDaemon

@Suite("Names and addresses that tunnels exchange")
struct AddressTableTests {
    typealias Table = AddressTable<Int>

    private static func places(
        _ name: String,
        port: UInt32? = nil,
        at engine: String = "engine.test"
    ) throws -> [Table.Place] {
        let engine = EngineLocation.address(try EngineAddress(engine))
        return [Table.Place(.name(name), at: engine)]
            + (port.map { [Table.Place(.address(.port($0)), at: engine)] } ?? [])
    }

    @Test("two that exchange addresses wait each for the other one's end, and for nothing after it")
    func exchange() throws {
        var table = Table()
        table.wanted(1, at: try Self.places("web", port: 9_000))
        table.wanted(2, at: try Self.places("other", port: 9_001))
        for tunnel in [1, 2] { table.unwanted(tunnel) }
        table.wanted(3, at: try Self.places("web", port: 9_001))
        table.wanted(4, at: try Self.places("other", port: 9_000))
        for tunnel in [3, 4] { expect(&table, tunnel, mayOpen: false) }
        // Each name is held too.
        expect(&table, gone: 1, frees: [])
        expect(&table, gone: 2, frees: [3, 4])
        for tunnel in [3, 4] { expect(&table, tunnel, mayOpen: true) }
        for tunnel in [3, 4] { expect(&table, gone: tunnel, frees: []) }
        #expect(table.isEmpty)
    }

    @Test("what is wanted keeps nobody waiting: two under one address are the engine's to refuse")
    func wanted() throws {
        var table = Table()
        table.wanted(1, at: try Self.places("web", port: 9_000))
        table.wanted(2, at: try Self.places("other", port: 9_000))
        for tunnel in [1, 2] { expect(&table, tunnel, mayOpen: true) }
        // Nor is one in its own way.
        table.unwanted(1)
        expect(&table, 1, mayOpen: true)
    }

    @Test("another engine, name or address is none of theirs")
    func others() throws {
        var table = Table()
        table.wanted(1, at: try Self.places("web", port: 9_000))
        table.unwanted(1)
        table.wanted(2, at: try Self.places("web", port: 9_000, at: "elsewhere.test"))
        table.wanted(3, at: try Self.places("other", port: 9_001))
        table.wanted(4, at: try Self.places("other"))
        for tunnel in [2, 3, 4] { expect(&table, tunnel, mayOpen: true) }
        // One that is not published has a name all the same.
        table.wanted(5, at: try Self.places("web"))
        expect(&table, 5, mayOpen: false)
        expect(&table, gone: 1, frees: [5])
    }

    @Test("one that is not wanted any more before its turn leaves the queue, and lets go those behind it")
    func droppedWhileWaiting() throws {
        var table = Table()
        table.wanted(1, at: try Self.places("web", port: 9_000))
        table.unwanted(1)
        table.wanted(2, at: try Self.places("web", port: 9_000))
        expect(&table, 2, mayOpen: false)
        table.unwanted(2)
        table.wanted(3, at: try Self.places("other", port: 9_000))
        expect(&table, 3, mayOpen: false)
        expect(&table, gone: 2, frees: [])
        expect(&table, gone: 1, frees: [3])
        expect(&table, gone: 3, frees: [])
        #expect(table.isEmpty)
    }

    @Test("one that was gone before it was unwanted, or is gone twice, holds nothing")
    func late() throws {
        var table = Table()
        table.wanted(1, at: try Self.places("web", port: 9_000))
        expect(&table, gone: 1, frees: [])
        table.unwanted(1)
        table.wanted(2, at: try Self.places("web", port: 9_000))
        expect(&table, 2, mayOpen: true)
        expect(&table, gone: 1, frees: [])
        expect(&table, gone: 2, frees: [])
        #expect(table.isEmpty)
    }

    @Test("a replacement beside the one that serves needs only its address to be free")
    func beside() throws {
        var table = Table()
        table.wanted(1, at: try Self.places("web", port: 9_000))
        table.unwanted(1)
        table.wanted(2, at: try Self.places("web", port: 9_001))
        #expect(table.mayOpen(2, beside: 1))
        table.wanted(3, at: try Self.places("other", port: 9_001))
        table.unwanted(3)
        #expect(!table.mayOpen(2, beside: 1))
        // Back to an address that an earlier one still has.
        table.wanted(4, at: try Self.places("web", port: 9_000))
        #expect(!table.mayOpen(4, beside: 2))
        // Its name, which that one still has too, may be asked for beside the one that serves.
        table.wanted(5, at: try Self.places("web", port: 9_002))
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
