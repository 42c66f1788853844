internal import Glibc
internal import NIOCore
internal import RstreamModel
internal import RstreamSocket

extension RstreamError {
    /// What an operator is told about an address that could not be listened on.
    static func listening(on address: DialListener.Address, failed error: any Error) -> RstreamError {
        switch error {
        case SocketFile.Failure.inUse: unavailable(address, "somebody else listens there", retry: .afterBackoff)
        case SocketFile.Failure.otherFile: unavailable(address, "what is there is not a socket", retry: .afterReload)
        case SocketFile.Failure.errno(let code): unavailable(address, errno: code)
        case let error as IOError: unavailable(address, errno: error.errnoCode)
        default: unavailable(address, "\(error)", retry: .afterBackoff)
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

    private static func unavailable(_ address: DialListener.Address, errno code: CInt) -> RstreamError {
        switch code {
        case EADDRINUSE: unavailable(address, "somebody else listens there", retry: .afterBackoff)
        case EACCES, EPERM: unavailable(address, "permission denied", retry: .afterReload)
        default: unavailable(address, String(cString: strerror(code)), retry: .afterBackoff)
        }
    }

    private static func unavailable(
        _ address: DialListener.Address,
        _ reason: String,
        retry: Retry
    ) -> RstreamError {
        RstreamError(
            code: .listenerUnavailable,
            origin: .host,
            retry: retry,
            what: "cannot listen on \(address): \(reason)",
            fix: "free the address, or change the listener's listen"
        )
    }
}
