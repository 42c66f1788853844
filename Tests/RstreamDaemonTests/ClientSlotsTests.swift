import Testing

@testable import RstreamDaemon

@Suite("Places of clients")
struct ClientPlacesTests {
    @Test("others than root and the daemon's user leave some places free, in every number", arguments: [4, 8, 16, 64])
    func kept(most: Int) {
        var places = ClientSlots(most: most, keepsSome: true)
        var others = 0
        while places.come(isTrusted: false) { others += 1 }
        #expect(others == most - most / 8)
        var trusted = 0
        while places.come(isTrusted: true) { trusted += 1 }
        #expect(others + trusted == most)
        places.leave()
        let (other, own) = (places.come(isTrusted: false), places.come(isTrusted: true))
        #expect(other == (most < 8))
        #expect(own == (most >= 8))
    }

    @Test("readers of events take half of the places at most, whoever they are", arguments: [1, 4, 64])
    func readers(most: Int) {
        var places = ClientSlots(most: most, keepsSome: true)
        var (others, trusted) = (0, 0)
        while places.read(isTrusted: false) { others += 1 }
        while places.read(isTrusted: true) { trusted += 1 }
        #expect(others + trusted == max(1, most / 2))
        #expect(others == places.mostReaders - places.mostReaders / 8)
        places.stopReading()
        let isRead = places.read(isTrusted: true)
        #expect(isRead)
    }

    @Test("where nobody is known, nothing is kept")
    func unknown() {
        var places = ClientSlots(most: 64, keepsSome: false)
        let come = (0...64).map { _ in places.come(isTrusted: false) }
        #expect(come == Array(repeating: true, count: 64) + [false])
    }

    @Test("root and the daemon's user are trusted, and clients of ports are nobody")
    func peers() {
        #expect(Peer(process: 1, user: 0, group: 0).isTrusted)
        #expect(!Peer(process: 1, user: 54_321, group: 0).isTrusted)
        #expect(!Peer.unknown.isTrusted)
    }
}
