internal import Linux
internal import RstreamConfig

/// Which folders are watched, and what that happens in them concerns the configuration: decides and touches nothing.
///
/// Looking for folders takes its time, and the kernel tells about a folder before the look that found it is over. What only
/// the end of a look can tell something about waits for it, so that no change is lost in between.
struct WatchedFolders {
    /// The names of the folder behind each number of the kernel's; links give one folder several.
    private var names: [Int32: [String]] = [:]
    private var list = WatchList(files: [], patterns: [])
    /// What waits for the end of a look; nil while there is none.
    private var early: [FileWatch.Event]?

    /// More events than this during one look are a change, whatever they are about.
    static let mostEarly = 4_096

    /// Folders are being looked for.
    mutating func lookBegan() { early = [] }

    /// These are watched now. Returns the numbers that need not be watched any more, and whether something has changed
    /// since the look began.
    mutating func lookEnded(_ list: WatchList, _ found: [Int32: [String]]) -> (gone: [Int32], isChanged: Bool) {
        let gone = names.keys.filter { found[$0] == nil }
        (self.list, names) = (list, found)
        let isChanged = early?.contains { concerns($0) } ?? false
        early = nil
        return (gone, isChanged)
    }

    /// Whether the configuration may be another one now.
    mutating func received(_ events: [FileWatch.Event]) -> Bool {
        if events.contains(where: { concerns($0) }) { return true }
        guard let before = early else { return false }
        guard before.count + events.count <= Self.mostEarly else { return true }
        early = before + events
        return false
    }

    private func concerns(_ event: FileWatch.Event) -> Bool {
        // Of a folder that is watched no more nothing is wanted; less than zero means that events were lost.
        guard let names = names[event.watch] else { return event.watch < 0 }
        // Without a name the folder itself is meant: it went.
        guard let name = event.name else { return true }
        return names.contains { list.concerns(name, in: $0) }
    }
}
