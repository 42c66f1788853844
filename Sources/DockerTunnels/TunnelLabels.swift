// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// The labels of a container that are about one tunnel: `rstream.tunnel.NAME.KEY` (RUN.md §7).
struct TunnelLabels {
    struct Entry {
        /// Behind the tunnel's name.
        let key: String
        let value: String
        /// The whole key.
        let label: String
    }

    /// Without a dot.
    let name: String
    private(set) var entries: [Entry]

    /// What they cost in a tunnel file: their bytes, and a line for each comma, as there may be a list around it.
    var weight: Int {
        entries.reduce(0) { sum, entry in
            let commas = entry.value.utf8.count { $0 == UInt8(ascii: ",") }
            return sum + entry.label.utf8.count + entry.value.utf8.count + 16 * commas
        }
    }

    /// The tunnels of a container, in the order of their names. Labels of another form are not ours.
    static func all(of container: Container) -> [TunnelLabels] {
        let prefix = LabelKey.tunnel
        var tunnels: [TunnelLabels] = []
        var places: [ByteKey: Int] = [:]
        for label in container.labels where label.key.startsWithBytes(of: prefix) {
            let rest = label.key[label.key.utf8.index(label.key.startIndex, offsetBy: prefix.utf8.count)...]
            guard let dot = rest.firstIndex(ofByte: ".") else { continue }
            let (name, key) = (rest[..<dot], rest[rest.utf8.index(after: dot)...])
            guard !name.isEmpty, !key.isEmpty else { continue }
            let entry = Entry(key: String(key), value: label.value, label: label.key)
            if let place = places[ByteKey(name)] {
                tunnels[place].entries.append(entry)
            } else {
                places[ByteKey(name)] = tunnels.count
                tunnels.append(TunnelLabels(name: String(name), entries: [entry]))
            }
        }
        return tunnels.sorted { ByteKey($0.name) < ByteKey($1.name) }
    }

    /// A tunnel's name: letters and digits of ASCII in lower case, `-`, `_` and `.`; everything else is `-`.
    static func sanitized(_ name: String) -> String {
        String(
            String.UnicodeScalarView(
                name.trimmed.asciiLowercased.unicodeScalars.map { scalar in
                    switch scalar {
                    case "a"..."z", "0"..."9", "-", "_", ".": scalar
                    default: "-"
                    }
                }
            )
        )
    }
}
