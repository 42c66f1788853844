// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc

/// This host's list of services (services(5)).
package enum Services {
    /// The TCP port of a service; nil when it is unknown.
    package static func port(of name: String) -> Int? {
        MayBlock.now("getservbyname_r")
        var entry = unsafe servent()
        var found: UnsafeMutablePointer<servent>?
        var buffer = [CChar](repeating: 0, count: 4_096)
        guard unsafe getservbyname_r(name, "tcp", &entry, &buffer, buffer.count, &found) == 0, unsafe found != nil
        else { return nil }
        let port = unsafe Int(UInt16(bigEndian: UInt16(truncatingIfNeeded: entry.s_port)))
        return port > 0 ? port : nil
    }
}
