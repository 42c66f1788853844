// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import NIOCore

/// Why an engine cannot start: the file or address it cannot use, and the command-line option that names it.
package struct StartFailure: Error, CustomStringConvertible {
    /// An option of the command line, by its name.
    package enum Option: String, Sendable {
        case listen
        case state
        case jwtSecret = "jwt-secret"
        case registeredCertificate = "registered-certificate"
    }

    private let option: Option
    private let what: String
    private let reason: String

    /// `what` is the file or address, `reason` what is wrong with it.
    package init(_ option: Option, _ what: String, _ reason: String) {
        (self.option, self.what, self.reason) = (option, what, reason)
    }

    /// The same for a system call that failed.
    init(_ option: Option, _ what: String, _ errorNumber: CInt) {
        self.init(option, what, SystemError.reason(errorNumber))
    }

    /// `error` prevented the engine from listening at `address`.
    init(listeningAt address: String, _ error: any Error) {
        switch error {
        case let failure as StartFailure: self = failure
        case let error as IOError: self.init(.listen, address, error.errnoCode)
        case is SocketAddressError, is SocketAddressError.UnknownHost:
            self.init(.listen, address, "the host has no address")
        default: self.init(.listen, address, "listening failed")
        }
    }

    /// The contents of a file that decides who is let in. It must belong to this user or root and be writable by no
    /// other user.
    package static func contents(of path: String, for option: Option) throws(StartFailure) -> [UInt8] {
        do throws(TrustedFile.Failure) {
            return try TrustedFile.read(path, [.named])
        } catch {
            throw StartFailure(option, path, error)
        }
    }

    package var description: String { "--\(option.rawValue) \(what): \(reason)" }
}
