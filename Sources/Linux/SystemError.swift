internal import Glibc

/// A system call that failed, and the kernel's reason.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Name of the call.
    package let call: String
    /// The value of `errno`.
    package let code: Int32

    init(_ call: String, _ code: Int32) {
        self.call = call
        self.code = code
    }

    /// The call and the kernel's words.
    package var description: String { "\(call): \(String(cString: strerror(code)))" }
}
