// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc

/// What the kernel says of whatever has a path, be it a link; nil where nothing has.
package enum FileFacts {
    /// Type and permission bits.
    package static func mode(of path: String) -> UInt32? { status(of: path)?.st_mode }

    package static func group(of path: String) -> UInt32? { status(of: path)?.st_gid }

    /// The number that the file has under all of its names.
    package static func number(of path: String) -> UInt64? { (status(of: path)?.st_ino).map { UInt64($0) } }

    private static func status(of path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }
}
