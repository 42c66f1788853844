// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Systemd
import Testing

@Suite("Sockets that systemd hands over")
struct InheritedSocketTests {
    private static let wanted: Set<String> = ["admin", "other-name"]

    @Test("a Unix socket that listens is served on, under each of the names")
    func served() {
        for name in Self.wanted {
            #expect(InheritedSockets.refusal(of: .unixListener, named: name, wanted: Self.wanted) == nil)
        }
    }

    @Test("a port is refused with the reason, and a socket without a consumer with the name that it would need")
    func refused() {
        let port = InheritedSockets.refusal(of: .network, named: "admin", wanted: Self.wanted)
        #expect(port?.contains("is a port") == true && port?.contains("ListenStream=") == true)
        let datagrams = InheritedSockets.refusal(of: .other, named: "admin", wanted: Self.wanted)
        #expect(datagrams?.contains("does not listen") == true)
        for kind in [InheritedSockets.Kind.unixListener, .network, .other] {
            let foreign = InheritedSockets.refusal(of: kind, named: "web", wanted: Self.wanted)
            #expect(foreign?.contains("\"web\"") == true && foreign?.contains("FileDescriptorName=admin") == true)
        }
    }
}
