internal import Glibc

/// Writes to standard error.
package enum StandardError {
    /// Writes the whole text and blocks while it is not read. Errors are ignored, as there is nowhere to report them.
    package static func write(_ text: String) { write(text, to: STDERR_FILENO) }

    /// Uses one `write` if the kernel accepts the whole text, so that lines of several processes do not mix.
    static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if count < 0, errno == EAGAIN {
                    // A process that shares the descriptor has made it non-blocking.
                    var readiness = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&readiness, 1, -1)
                } else if count == 0 || errno != EINTR {
                    return
                }
            }
        }
    }
}
