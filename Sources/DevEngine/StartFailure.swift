import Glibc
import NIOCore

/// Why an engine cannot start: what it cannot have, and the option of the command line that asks for it.
package struct StartFailure: Error, CustomStringConvertible {
    /// By the name of its option.
    package enum Need: String, Sendable {
        case listen
        case state
        case jwtSecret = "jwt-secret"
        case registeredCertificate = "registered-certificate"
    }

    private let need: Need
    private let what: String
    private let reason: String

    /// `what` is the file or address, `reason` what is wrong with it.
    package init(_ need: Need, _ what: String, _ reason: String) {
        (self.need, self.what, self.reason) = (need, what, reason)
    }

    /// The same for a call of the system that failed.
    init(_ need: Need, _ what: String, _ errorNumber: CInt) {
        self.init(need, what, String(cString: strerror(errorNumber)))
    }

    /// That nobody can be let in at `address`, whatever a library says of it.
    init(listeningAt address: String, _ error: any Error) {
        switch error {
        case let failure as StartFailure: self = failure
        case let error as IOError: self.init(.listen, address, error.errnoCode)
        case is SocketAddressError, is SocketAddressError.UnknownHost:
            self.init(.listen, address, "the host has no address")
        default: self.init(.listen, address, "nobody can be served there")
        }
    }

    /// What is in a file that is needed. It is this user's or root's, and nobody else can write to it: what is in it
    /// decides who is let in.
    package static func contents(of path: String, for need: Need) throws(StartFailure) -> [UInt8] {
        do throws(OwnFile.Failure) {
            return try OwnFile.read(path, [.named])
        } catch {
            throw StartFailure(need, path, error)
        }
    }

    package var description: String { "--\(need.rawValue) \(what): \(reason)" }
}
