// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore

/// A Unix socket that takes no more connections, because as many wait as may.
struct FullQueue {
    struct Failed: Error {
        let call: String
        let code: CInt
    }

    private let listener: CInt
    private let waiting: [CInt]

    init(at path: String) throws {
        let address = try SocketAddress(unixDomainSocketPath: path)
        let listener = try Self.socket()
        try Self.check("bind", address.withSockAddr { bind(listener, $0, socklen_t($1)) })
        try Self.check("listen", listen(listener, 0))
        var waiting: [CInt] = []
        while true {
            let client = try Self.socket()
            waiting.append(client)
            guard address.withSockAddr({ connect(client, $0, socklen_t($1)) }) != 0 else { continue }
            guard errno == EAGAIN else { throw Failed(call: "connect", code: errno) }
            break
        }
        (self.listener, self.waiting) = (listener, waiting)
    }

    private static func socket() throws -> CInt {
        let descriptor = Glibc.socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        try check("socket", descriptor)
        return descriptor
    }

    private static func check(_ call: String, _ result: CInt) throws {
        if result < 0 { throw Failed(call: call, code: errno) }
    }

    /// Takes and ends those that wait, and then the next one, once it comes.
    func endNext() async throws {
        // The last that tried was refused.
        var left = waiting.count
        while left > 0 {
            let client = accept(listener, nil, nil)
            guard client < 0 else {
                Glibc.close(client)
                left -= 1
                continue
            }
            guard errno == EAGAIN else { throw Failed(call: "accept", code: errno) }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    func close() {
        for descriptor in waiting + [listener] { Glibc.close(descriptor) }
    }
}
