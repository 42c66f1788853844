internal import Glibc
internal import NIOCore
internal import Rstream
internal import RstreamModel
internal import RstreamSocket

extension RstreamError {
    /// What an operator is told about an address that could not be listened on.
    static func listening(on address: String, failed error: any Error) -> RstreamError {
        switch error {
        case let refusal as ListeningSocket.Refusal:
            unavailable(refusal.place(of: address), errno: refusal.cause.errnoCode)
        case SocketFile.Failure.inUse: unavailable(address, "somebody else listens there", retry: .afterBackoff)
        case SocketFile.Failure.otherFile: unavailable(address, "what is there is not a socket", retry: .afterReload)
        case SocketFile.Failure.errno(let code): unavailable(address, errno: code)
        case let error as IOError: unavailable(address, errno: error.errnoCode)
        case let error as NameFailure:
            unavailable(
                address,
                "the name \"\(error.name)\" cannot be resolved: \(error.reason)",
                retry: .afterBackoff,
                fix: "check the name in the listener's listen, and this host's name servers"
            )
        case is CancellationError: unavailable(address, "nobody wants to any more", retry: .afterReload)
        default: unavailable(address, "there is no such address on this host", retry: .afterBackoff)
        }
    }

    /// Connections wait in the kernel until there is room for them.
    static func accepting(failed error: IOError) -> RstreamError {
        RstreamError(
            code: .overload,
            origin: .host,
            retry: .afterBackoff,
            what: String(cString: strerror(error.errnoCode))
        )
    }

    private static func unavailable(_ address: String, errno code: CInt) -> RstreamError {
        switch code {
        case EADDRINUSE: unavailable(address, "somebody else listens there", retry: .afterBackoff)
        case EADDRNOTAVAIL, EAFNOSUPPORT:
            unavailable(
                address,
                "this host does not have the address",
                retry: .afterBackoff,
                fix: "give the host the address, or change the listener's listen"
            )
        case EACCES, EPERM: unavailable(address, "permission denied", retry: .afterReload)
        default: unavailable(address, String(cString: strerror(code)), retry: .afterBackoff)
        }
    }

    private static func unavailable(
        _ address: String,
        _ reason: String,
        retry: Retry,
        fix: String = "free the address, or change the listener's listen"
    ) -> RstreamError {
        RstreamError(
            code: .listenerUnavailable,
            origin: .host,
            retry: retry,
            what: "cannot listen on \(address): \(reason)",
            fix: fix
        )
    }
}
