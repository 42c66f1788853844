// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Logging
import NIOCore
import Rstream
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamRelay

@Suite("Local ports that are used up")
struct LocalPortTests {
    private static let upstream = Upstream(
        address: .tcp(host: "127.0.0.1", service: "8080"),
        options: UpstreamOptions(),
        unixSockets: nil
    )

    private static func error(_ code: CInt) -> RstreamError {
        RstreamError.dial(of: upstream, failed: IOError(errnoCode: code, reason: "connect"))
    }

    @Test("are a temporary failure of this host, not of the service")
    func words() {
        let error = Self.error(EADDRNOTAVAIL)
        #expect(error.what.hasPrefix("upstream 127.0.0.1:8080: this host has no free local port"))
        #expect(error.fix?.contains("net.ipv4.ip_local_port_range") == true)
        #expect(error.fix?.contains("start the service") == false)
        #expect(error.origin == .host)
        #expect(error.retry == .afterBackoff)
        // A service that is not there is another matter.
        let refused = Self.error(ECONNREFUSED)
        #expect(refused.fix?.contains("start the service") == true)
        #expect(refused.origin == .upstream)
    }

    @Test("are told as a warning, with what helps")
    func warning() throws {
        let log = LogCapture()
        OutageLog.upstream(SharedLogger(log.logger), nil).subject.failed(Self.error(EADDRNOTAVAIL))
        let line = try #require(log.lines.value.first)
        #expect(line.level == .warning)
        #expect(line.message == "upstream unreachable")
        #expect(line.metadata["error"]?.contains("no free local port") == true, "\(line)")
        #expect(line.metadata["fix"]?.contains("net.ipv4.ip_local_port_range") == true, "\(line)")
    }
}
