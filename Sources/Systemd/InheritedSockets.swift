// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CSystemd
internal import Glibc

/// Sockets that systemd has opened for this process (socket activation, sd_listen_fds(3)).
package struct InheritedSockets: Hashable, Sendable {
    /// The sockets to serve on, which belong to the caller from now on.
    package var sockets: [CInt] = []
    /// The connection to the process whose place this one takes; it belongs to the caller from now on.
    package var takeOver: CInt?
    /// Why sockets were closed instead, a sentence each.
    package var refusals: [String] = []

    /// What one descriptor is.
    package enum Kind: Hashable, Sendable {
        /// A Unix socket that listens for streams.
        case unixListener
        /// A socket of the network.
        case network
        case other
    }

    /// Why a descriptor is not served on; nil when it is.
    package static func refusal(of kind: Kind, named name: String, wanted: Set<String>) -> String? {
        guard wanted.contains(name) else {
            return "systemd passed the socket \"\(name)\", which this program does not know: "
                + "a socket of the admin API has FileDescriptorName=admin"
        }
        switch kind {
        case .unixListener: return nil
        case .network:
            return
                "the socket \"\(name)\" that systemd passed is a port, which would leave the admin API unprotected: "
                + "give a path to ListenStream="
        case .other:
            return "the socket \"\(name)\" that systemd passed does not listen for streams: use ListenStream="
        }
    }

    /// The listening Unix sockets with one of these names (`FileDescriptorName=`); everything else is closed. Has to be
    /// called once, before threads are started.
    package static func take(named wanted: Set<String>) -> InheritedSockets {
        var taken = InheritedSockets()
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        // One takes the variables away, so that no child believes that they are meant for it.
        let count = unsafe sd_listen_fds_with_names(1, &names)
        guard count > 0, let names = unsafe names else { return taken }
        defer {
            for index in 0..<Int(count) { unsafe free(names[index]) }
            unsafe free(names)
        }
        for index in 0..<Int(count) {
            let socket = firstSocket + CInt(index)
            let name = unsafe names[index].map { unsafe String(cString: $0) } ?? ""
            // What an earlier process of the service has left with systemd is no socket to serve on.
            switch KeptDescriptor(rawValue: name) {
            case .takeOver where taken.takeOver == nil:
                taken.takeOver = socket
                continue
            case .takeOver, .previous:
                close(socket)
                continue
            case nil: break
            }
            if let refusal = Self.refusal(of: kind(of: socket), named: name, wanted: wanted) {
                close(socket)
                taken.refusals.append(refusal)
            } else {
                taken.sockets.append(socket)
            }
        }
        return taken
    }

    private static func kind(of socket: CInt) -> Kind {
        if sd_is_socket(socket, AF_UNIX, CInt(SOCK_STREAM.rawValue), 1) > 0 { return .unixListener }
        let isNetwork = [AF_INET, AF_INET6].contains { sd_is_socket(socket, $0, 0, -1) > 0 }
        return isNetwork ? .network : .other
    }

    /// `SD_LISTEN_FDS_START`, a macro that Swift cannot see.
    private static let firstSocket: CInt = 3
}
