// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CLinux
internal import Glibc

/// One inotify instance: directories in, events out.
///
/// This type makes the descriptor, adds directories and parses what was read. The channel that reads the descriptor
/// owns it and closes it.
package struct FileWatch: Sendable {
    /// One thing that happened in a watched directory.
    package struct Event: Hashable, Sendable {
        /// Which directory, as ``add(_:)`` named it; -1 when events were lost.
        package let watch: Int32
        /// The entry of the directory; nil when the directory itself is meant, or when events were lost.
        package let name: String?
    }

    /// Non-blocking and closed on exec.
    package let descriptor: Int32

    /// Makes an instance that watches nothing yet.
    package init() throws(SystemError) {
        descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError("inotify_init1", errno) }
    }

    /// Watches a directory for entries that come, go, were written or got other permissions or another owner, and
    /// returns its number. A directory that is watched already keeps its number. Reading is no such event: it changes
    /// no more than the time of the last access, which the kernel does not tell.
    package func add(_ directory: String) throws(SystemError) -> Int32 {
        MayBlock.now("watching a folder")
        let mask = UInt32(
            IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF
                | IN_MOVE_SELF
                | IN_ONLYDIR
        )
        let watch = unsafe inotify_add_watch(descriptor, directory, mask)
        guard watch >= 0 else { throw SystemError("inotify_add_watch", errno) }
        return watch
    }

    /// Stops watching a directory.
    package func remove(_ watch: Int32) {
        _ = inotify_rm_watch(descriptor, watch)
    }

    /// Parses what one read returned. Reads return whole events; an incomplete rest is ignored.
    package static func events(in bytes: [UInt8]) -> [Event] {
        let head = MemoryLayout<inotify_event>.size
        var events: [Event] = []
        var offset = 0
        while bytes.count - offset >= head {
            let fields = unsafe bytes[offset..<offset + head].withUnsafeBytes { buffer in
                unsafe (
                    watch: buffer.loadUnaligned(fromByteOffset: 0, as: Int32.self),
                    length: buffer.loadUnaligned(fromByteOffset: 12, as: UInt32.self)
                )
            }
            offset += head
            guard let length = Int(exactly: fields.length), length <= bytes.count - offset else { break }
            let name = bytes[offset..<offset + length].prefix { $0 != 0 }
            events.append(Event(watch: fields.watch, name: name.isEmpty ? nil : String(decoding: name, as: UTF8.self)))
            offset += length
        }
        return events
    }
}
