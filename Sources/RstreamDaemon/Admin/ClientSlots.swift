/// Who may be connected to a listener at once: so many clients, some of whose places are kept for those who have to get
/// in whatever others do, and fewer readers of events, who stay.
///
/// A value that only counts.
struct ClientSlots: Equatable {
    /// Clients at once.
    private(set) var most: Int
    /// Places of them that others than root and the daemon's own user do not get.
    var kept: Int { keepsSome ? most / 8 : 0 }
    /// Readers of events at once, of both kinds.
    var mostReaders: Int { max(1, most / 2) }
    /// The same for readers.
    var keptReaders: Int { keepsSome ? mostReaders / 8 : 0 }
    private let keepsSome: Bool
    private var clients = 0
    private var readers = 0

    /// `keepsSome` where it can be known who a client is.
    init(most: Int, keepsSome: Bool) {
        self.most = most
        self.keepsSome = keepsSome
    }

    /// As many from now on; those that are there stay.
    mutating func limit(to most: Int) { self.most = most }

    var isEmpty: Bool { clients == 0 }

    /// Whether one more may come, who has to ``leave()`` then.
    mutating func come(isTrusted: Bool) -> Bool {
        guard clients < (isTrusted ? most : most - kept) else { return false }
        clients += 1
        return true
    }

    mutating func leave() { clients -= 1 }

    /// Whether one of the clients may read events, who has to ``stopReading()`` then.
    mutating func read(isTrusted: Bool) -> Bool {
        guard readers < (isTrusted ? mostReaders : mostReaders - keptReaders) else { return false }
        readers += 1
        return true
    }

    mutating func stopReading() { readers -= 1 }
}
