internal import Glibc

/// Standard error, where lines and diagnostics end when nothing better is there.
package enum StandardError {
    /// Writes the whole text, and waits while nobody reads; there is nobody to tell when it fails.
    package static func write(_ text: String) { write(text, to: STDERR_FILENO) }

    /// One `write` if the kernel takes it whole, so that lines of several processes do not mix.
    static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if count < 0, errno == EAGAIN {
                    // Whoever shares the descriptor has made it non-blocking.
                    var readiness = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&readiness, 1, -1)
                } else if count == 0 || errno != EINTR {
                    return
                }
            }
        }
    }
}
