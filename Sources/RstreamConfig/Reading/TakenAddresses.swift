// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel

/// Where the daemon itself takes connections so far, as the kernel compares it: an address for all of a family takes
/// the port from every other one of that family. IPv4 and IPv6 are two, because `[::]` takes IPv6 only.
struct TakenAddresses {
    /// What took them, to stand in a hint.
    private var places: [ListenAddress: Wording] = [:]
    /// The first literal of each family at each port, which an address for all of them would get in the way of.
    private var literals: [ListenAddress: Wording] = [:]

    /// Takes an address; if something has it, or a part of it, this returns what that is and takes nothing.
    mutating func take(_ address: ListenAddress, for owner: Wording) -> Wording? {
        guard !address.isChosenBySystem else { return nil }
        let sockets = address.sockets
        if let first = sockets.lazy.compactMap(owner(of:)).first { return first }
        for socket in sockets {
            places[socket] = owner
            if let all = socket.ofAllOfItsFamily { literals[all] = literals[all] ?? owner }
        }
        return nil
    }

    private func owner(of socket: ListenAddress) -> Wording? {
        let all = socket.ofAllOfItsFamily
        return places[socket] ?? all.flatMap { socket == $0 ? literals[$0] : places[$0] }
    }
}

extension ListenAddress {
    /// The address of all addresses that this one is one of, at its port; nil for a name and a socket in the file
    /// system.
    fileprivate var ofAllOfItsFamily: ListenAddress? {
        guard case .tcp(let host, let port) = self else { return nil }
        switch IPAddress(host) {
        case .v4: return .tcp(host: "0.0.0.0", port: port)
        case .v6: return .tcp(host: "::", port: port)
        case nil: return nil
        }
    }
}
