// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamConfig

/// Decides which events of watched folders concern the configuration.
///
/// A scan for folders takes time, and the kernel reports events of a folder before the scan that has found it is over.
/// Such events wait for the end of the scan, so that no change is lost.
struct WatchedFolders {
    /// The names of the folder of each kernel watch; links give one folder several.
    private var names: [Int32: [String]] = [:]
    private var list = WatchList(files: [], patterns: [])
    /// Events that wait for the end of a scan; nil without a scan.
    private var early: [FileWatch.Event]?

    /// More events than this during one scan count as a change.
    static let maximumEarly = 4_096

    mutating func scanBegan() { early = [] }

    /// Takes over the result of a scan. Returns the kernel watches to remove, and whether the configuration may have
    /// changed since the scan began.
    mutating func scanEnded(_ list: WatchList, _ found: [Int32: [String]]) -> (gone: [Int32], isChanged: Bool) {
        let gone = names.keys.filter { found[$0] == nil }
        (self.list, names) = (list, found)
        let isChanged = early?.contains { concerns($0) } ?? false
        early = nil
        return (gone, isChanged)
    }

    /// Returns whether the configuration may have changed.
    mutating func received(_ events: [FileWatch.Event]) -> Bool {
        if events.contains(where: { concerns($0) }) { return true }
        guard let before = early else { return false }
        guard before.count + events.count <= Self.maximumEarly else { return true }
        early = before + events
        return false
    }

    private func concerns(_ event: FileWatch.Event) -> Bool {
        // Events of a folder that is no longer watched do not matter. A negative number means that events were lost.
        guard let names = names[event.watch] else { return event.watch < 0 }
        // An event without a name is the removal of the folder itself.
        guard let name = event.name else { return true }
        return names.contains { list.concerns(name, in: $0) }
    }
}
