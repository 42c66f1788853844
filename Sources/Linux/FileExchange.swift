internal import CLinux
internal import Glibc

/// Two names that change their files in one step, so that neither is ever without one.
package enum FileExchange {
    /// renameat2(2) with `RENAME_EXCHANGE`; both names are in open directories. Throws ``SystemError``, with `EINVAL` where
    /// the file system cannot do it.
    package static func exchange(
        _ first: (directory: Int32, name: String),
        _ second: (directory: Int32, name: String)
    ) throws(SystemError) {
        guard unsafe rstream_exchange(first.directory, first.name, second.directory, second.name) == 0 else {
            throw SystemError("renameat2", errno)
        }
    }
}
