internal import Glibc
internal import Linux

/// Standard error, where lines and diagnostics end when nothing better is there.
package enum StandardError {
    /// Writes the whole text, and waits while nobody reads. A failure cannot be reported anywhere.
    package static func write(_ text: String) { write(text, to: STDERR_FILENO) }

    static func write(_ text: String, to descriptor: Int32) { try? DescriptorIO.write(text, to: descriptor) }
}
