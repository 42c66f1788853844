// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CLinux
internal import Glibc

/// A system call that failed, and the kernel's reason.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Name of the call, or of the file it was made for.
    package let call: String
    /// The value of `errno`.
    package let code: Int32

    package init(_ call: String, _ code: Int32) {
        self.call = call
        self.code = code
    }

    /// The call and the kernel's words.
    package var description: String { "\(call): \(reason)" }

    /// The kernel's words.
    package var reason: String { Self.reason(code) }

    /// The words of errno(3) for an error number. People know them from every other program and find them in the manual
    /// pages; they come from here only, so that no other text of a library stands in their place.
    package static func reason(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}

/// Single calls that no other type here makes.
package enum SystemCall {
    /// Lets two names change their files in one step, so that neither is ever without one (renameat2(2) with
    /// `RENAME_EXCHANGE`). Both names are in open directories. The error is `EINVAL` where the file system cannot do
    /// it.
    package static func exchange(
        _ first: (directory: Int32, name: String),
        _ second: (directory: Int32, name: String)
    ) throws(SystemError) {
        guard unsafe rstream_exchange(first.directory, first.name, second.directory, second.name) == 0 else {
            throw SystemError("renameat2", errno)
        }
    }

    /// This host's own name; nil when it has none, or one that is too long to be a name.
    package static var hostName: String? {
        var buffer = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&buffer, buffer.count - 1) == 0 else { return nil }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty ? nil : name
    }
}
