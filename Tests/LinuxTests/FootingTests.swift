import Linux
import Testing

@Suite("What a process needs of its machine")
struct FootingTests {
    @Test("is there on a machine that runs tests")
    func enough() {
        #expect(Footing(threads: 4, descriptors: 16).findLack() == nil)
    }

    @Test("is missed by name and number when the descriptors are too few")
    func descriptors() {
        guard case .descriptors(let needed, let limit)? = Footing(threads: 1, descriptors: .max).findLack() else {
            Issue.record("nothing is missing")
            return
        }
        #expect(needed == .max && limit > 0)
    }

    @Test("each lack says in one line what is missing, how much, and what to do")
    func sentences() {
        let lacks: [(Footing.Lack, [String])] = [
            (.threads(needed: 14, had: 3), ["3 threads", "needs 14", "TasksMax=", "ulimit -v"]),
            (.descriptors(needed: 48, limit: 10), ["10 files", "needs 48", "LimitNOFILE="]),
        ]
        for (lack, words) in lacks {
            for word in words { #expect("\(lack)".contains(word), "\(lack)") }
            #expect(!"\(lack)".contains("\n"))
        }
    }
}
