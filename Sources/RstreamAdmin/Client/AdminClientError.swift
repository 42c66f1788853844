/// Why a call to the daemon has no good answer.
package enum AdminClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nobody listens there, or the connection broke.
    case notReachable(socket: String, reason: String)
    /// This user may not open the socket.
    case notPermitted(socket: String)
    /// The daemon said no.
    case problem(Problem)
    /// What came back is no answer of the admin API.
    case badReply(String)

    package var description: String {
        switch self {
        case .notReachable(let socket, let reason): "no daemon answers at \(socket): \(reason)"
        case .notPermitted(let socket): "\(socket) may not be opened by this user"
        case .problem(let problem): problem.detail
        case .badReply(let what): "the daemon's answer cannot be read: \(what)"
        }
    }
}
