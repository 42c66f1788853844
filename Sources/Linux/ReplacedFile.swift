// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import RstreamModel

/// Files that readers find as they were or as they are to be, and never half written.
package enum ReplacedFile {
    /// Puts a file with these bytes and permissions in the place of the one at `path`, if there is one. Whatever happens
    /// meanwhile, the old one stays until the new one is whole and on the disk.
    ///
    /// The new file begins its life beside the old one, under a name that begins with a dot. A device, a pipe or a socket
    /// is not replaced: root would take `/dev/null` away from the whole host.
    package static func write(_ bytes: [UInt8], to path: String, mode: UInt32) throws(SystemError) {
        MayBlock.now("writing a file")
        try refuseSpecialFile(path)
        let slash = path.lastIndex(ofByte: "/").map { path.utf8.index(after: $0) } ?? path.startIndex
        let new = "\(path[..<slash]).\(path[slash...]).new"
        // What a process left behind that was ended while it wrote.
        _ = unsafe unlink(new)
        let descriptor = unsafe open(new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("open", errno) }
        do throws(SystemError) {
            defer { _ = Glibc.close(descriptor) }
            try DescriptorIO.write(bytes, to: descriptor)
            // Not with open(2), whose mode the umask is taken from.
            guard fchmod(descriptor, mode) == 0 else { throw SystemError("fchmod", errno) }
            guard fsync(descriptor) == 0 else { throw SystemError("fsync", errno) }
            guard unsafe rename(new, path) == 0 else { throw SystemError("rename", errno) }
        } catch {
            _ = unsafe unlink(new)
            throw error
        }
    }

    /// Removes the file at `path`; it is no error when there is none.
    package static func remove(_ path: String) throws(SystemError) {
        MayBlock.now("removing a file")
        try refuseSpecialFile(path)
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw SystemError("unlink", errno) }
    }

    /// Throws for what is neither a file nor a folder, nor a link to one; rename(2) refuses a folder.
    private static func refuseSpecialFile(_ path: String) throws(SystemError) {
        var status = Glibc.stat()
        guard unsafe stat(path, &status) == 0 else { return }
        let kind = status.st_mode & S_IFMT
        guard kind == S_IFREG || kind == S_IFDIR else { throw SystemError("stat", ENOTSUP) }
    }
}
