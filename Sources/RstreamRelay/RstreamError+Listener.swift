// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import NIOCore
internal import Rstream
package import RstreamModel
internal import RstreamSocket

extension RstreamError {
    /// The error of an address that could not be listened on. `setting` names the setting of the address, and `name`
    /// is the address as that setting has it, where the text differs.
    package static func listening(
        on address: ListenAddress,
        called name: String? = nil,
        failed error: any Error,
        for setting: String = "the listener's listen"
    ) -> RstreamError {
        let obstacle = obstacle(at: address, error)
        let name = name ?? address.description
        let place = (error as? ListeningSocket.Refusal)?.place(of: name) ?? name
        return RstreamError(
            code: .listenerUnavailable,
            origin: .host,
            retry: obstacle.retry,
            what: "cannot listen on \(place): \(obstacle.reason)",
            fix: "\(obstacle.remedy), or change \(setting)"
        )
    }

    /// The error of an accept that failed. Connections wait in the kernel's queue meanwhile.
    static func accepting(failed error: IOError) -> RstreamError {
        RstreamError(
            code: .overload,
            origin: .host,
            retry: .afterBackoff,
            what: SystemError.reason(error.errnoCode)
        )
    }

    /// Why the address cannot be listened on, and a remedy besides another address.
    private typealias Obstacle = (reason: String, retry: Retry, remedy: String)

    private static func obstacle(at address: ListenAddress, _ error: any Error) -> Obstacle {
        switch error {
        case let refusal as ListeningSocket.Refusal: obstacle(at: address, errno: refusal.cause.errnoCode)
        case SocketFile.Failure.inUse: ("another program listens there", .afterBackoff, "free the address")
        case SocketFile.Failure.otherFile: ("what is there is not a socket", .afterReload, "remove it")
        case SocketFile.Failure.errno(let code): obstacle(at: address, errno: code)
        case let error as IOError: obstacle(at: address, errno: error.errnoCode)
        case let error as NameFailure:
            (
                "the name \"\(error.name)\" cannot be resolved: \(error.reason)", .afterBackoff,
                "check the name and this host's name servers"
            )
        case is CancellationError: ("listening was cancelled", .afterReload, "free the address")
        default: ("there is no such address on this host", .afterBackoff, "give the host the address")
        }
    }

    private static func obstacle(at address: ListenAddress, errno code: CInt) -> Obstacle {
        switch (code, address) {
        case (EADDRINUSE, .tcp):
            ("another program listens there", .afterBackoff, "free the address (ss -ltnp shows which program uses it)")
        case (EADDRINUSE, .unix): ("another program listens there", .afterBackoff, "free the address")
        case (EADDRNOTAVAIL, _), (EAFNOSUPPORT, _):
            ("this host does not have the address", .afterBackoff, "give the host the address")
        case (EACCES, .tcp(_, 1..<1_024)), (EPERM, .tcp(_, 1..<1_024)):
            (
                "a port below 1024 needs a capability", .afterReload,
                "give the unit CAP_NET_BIND_SERVICE (AmbientCapabilities=, CapabilityBoundingSet=)"
            )
        case (EACCES, .tcp), (EPERM, .tcp): ("permission denied", .afterReload, "free the address")
        case (EACCES, .unix(let path)), (EPERM, .unix(let path)):
            ("its folder \(folder(of: path)) may not be written", .afterReload, "let the daemon's user write there")
        case (EROFS, .unix(let path)):
            (
                "its folder \(folder(of: path)) is read-only", .afterReload,
                "name the folder in ReadWritePaths= of the unit"
            )
        case (ENOENT, .unix(let path)): ("there is no folder \(folder(of: path))", .afterBackoff, "make the folder")
        default: (SystemError.reason(code), .afterBackoff, "free the address")
        }
    }

    private static func folder(of path: String) -> Substring {
        path.lastIndex(ofByte: "/").map { $0 == path.startIndex ? "/" : path[..<$0] } ?? "."
    }
}
