import Testing

@testable import RstreamDaemon

@Suite("The heap trimmer")
struct HeapTrimmerTests {
    private func answers(to looks: [(peak: Int, active: Int)]) -> [Bool] {
        var trimmer = HeapTrimmer()
        return looks.map { trimmer.shouldTrim(peak: $0.peak, active: $0.active) }
    }

    @Test("leaves memory alone while streams are few")
    func few() {
        #expect(answers(to: [(63, 0), (0, 0)]) == [false, false])
    }

    @Test("leaves memory alone while the crowd is there")
    func crowd() {
        #expect(answers(to: [(500, 500), (500, 126)]) == [false, false])
    }

    @Test("gives memory back once when three quarters of a crowd have gone")
    func gone() {
        let looks = [(500, 400), (400, 125), (125, 125), (125, 10), (10, 0)]
        #expect(answers(to: looks) == [false, true, false, true, false])
    }
}
