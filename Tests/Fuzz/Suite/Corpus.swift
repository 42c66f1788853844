// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials

/// The inputs that are kept for each target: seeds, and what was once found.
enum Corpus {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Corpus")

    static func inputs(of target: String) throws -> [(name: String, bytes: [UInt8])] {
        let place = folder.appending(path: target)
        return try FileManager.default.contentsOfDirectory(atPath: place.path).sorted().map { name in
            (name, Array(try Data(contentsOf: place.appending(path: name))))
        }
    }
}
