// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import RstreamConfig

/// Files that are only here, and all root's. Its accounts are made up, because a host may ask a directory service.
struct ImaginaryHost: FileAccess {
    static let daemon = "/etc/rstream/rstreamd.yaml"
    static let tunnels = "/etc/rstream/tunnels.d/web.yaml"
    static let rule = FileRule(
        owners: [0],
        accounts: Accounts(
            user: { $0 == "lea" ? 1_000 : nil },
            nameOfUser: { $0 == 1_000 ? "lea" : nil },
            nameOfGroup: { $0 == 1_000 ? "lea" : nil },
            isPrivate: { $0 == 1_000 }
        )
    )

    var files: [String: [UInt8]] = [:]

    func read(_ path: String, limit: Int) throws(FileAccessError) -> FileContents {
        guard let bytes = files[path] else { throw .missing }
        guard bytes.count <= limit else { throw .tooLong(limit: limit) }
        return FileContents(bytes: bytes, mode: 0o640)
    }

    func names(in directory: String) throws(FileAccessError) -> [String] {
        guard directory == "/etc/rstream/tunnels.d", files[Self.tunnels] != nil else { throw .missing }
        return ["web.yaml"]
    }
}
