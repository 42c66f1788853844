// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import RstreamTestSupport

@Suite("Texts of libraries")
struct LibraryTextTests {
    @Test(
        "are found in a message",
        arguments: [
            "sslError([Error: 268435581 error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED])",
            "handshakeFailed(x)", "it failed: uncleanShutdown", "connect: Connection refused (errno: 111)",
            "Error Domain=NSCocoaErrorDomain Code=260 \"(null)\"", "CancellationError()",
            "keyNotFound(x)", "the state is Optional(3)", "Status(code: 3, reason: none)",
            "Code(rawValue: 7)", "/src/.build/checkouts/swift-nio/x", "Fatal error: out of bounds",
            "NIO/Channel.swift:12: it broke", "x.swift: fine, y.swift:7 not",
            "3:1: did not find expected key while parsing a block mapping",
            "found character that cannot start any token",
            "control characters are not allowed", "ioOnClosedChannel(4)", "eventLoopGone(a)",
        ]
    )
    func found(text: String) {
        #expect(LibraryText.mark(in: text) != nil)
    }

    @Test(
        "are not found in the daemon's own messages",
        arguments: [
            "", "(", "the connection was refused (check engine, and that the engine is running)",
            "rstreamd.yaml(5) says more", "getrandom(2): Function not implemented", "rstreamctl(1)",
            "web: upstream 127.0.0.1:8080 refuses connections (2 addresses tried)", "ERR_RSTREAM_ENGINE_UNREACHABLE",
            "no connection within its connectTimeout", "https://web.t.localhost (http)", "GET /x.swift HTTP/1.1",
            "rstreamd_streams_total{tunnel=\"web\",outcome=\"upstream_failed\"} 3", "x.swift: not a place",
            "\"config\" ends (default: auto)", "2:1: a value was expected here", "SO_REUSEADDR(x)",
        ]
    )
    func absent(text: String) {
        #expect(LibraryText.mark(in: text) == nil)
    }

    @Test("are reported in log messages, in facts and in the output of programs")
    func recorded() {
        let reports = Lock<[String]>([])
        func reported(_ body: () -> Void) -> Int {
            let before = reports.withLock(\.count)
            let note = { @Sendable (report: String) in reports.withLock { $0.append(report) } }
            LibraryText.$report.withValue(note) { body() }
            return reports.withLock(\.count) - before
        }
        let log = LogCapture()
        #expect(reported { log.logger.info("sslError(x)") } == 1)
        #expect(reported { log.logger.debug("it failed", metadata: ["error": "NIOSSLError"]) } == 1)
        #expect(
            reported { log.logger.info("the connection was refused", metadata: ["error": "the engine is not running"]) }
                == 0
        )
        #expect(log.lines.value.count == 3)

        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let ours = ProcessLines(on: loop, areOurs: true)
        #expect(reported { ours.append("rstreamctl: IOError") } == 1)
        #expect(reported { ours.append("rstreamctl: no daemon answers") } == 0)
        #expect(reported { ProcessLines(on: loop).append("nginx: IOError") } == 0)
        #expect(ours.count == 2)
        #expect(reports.withLock(\.self).allSatisfy { $0.contains("a library's word") })
    }
}
