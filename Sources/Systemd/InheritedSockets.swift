internal import CSystemd
internal import Glibc

/// Sockets that systemd has opened for this process (socket activation, sd_listen_fds(3)).
package enum InheritedSockets {
    /// The listening stream sockets with one of these names (`FileDescriptorName=`), which belong to the caller from
    /// now on. Others are left alone. Has to be called once, before threads are started.
    package static func take(named wanted: Set<String>) -> [CInt] {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        // One takes the variables away, so that no child believes that they are meant for it.
        let count = sd_listen_fds_with_names(1, &names)
        guard count > 0, let names else { return [] }
        defer {
            for index in 0..<Int(count) { free(names[index]) }
            free(names)
        }
        return (0..<Int(count)).compactMap { index in
            let socket = firstSocket + CInt(index)
            guard let text = names[index], wanted.contains(String(cString: text)),
                sd_is_socket(socket, AF_UNSPEC, CInt(SOCK_STREAM.rawValue), 1) > 0
            else { return nil }
            return socket
        }
    }

    /// `SD_LISTEN_FDS_START`, a macro that Swift cannot see.
    private static let firstSocket: CInt = 3
}
