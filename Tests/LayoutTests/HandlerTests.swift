// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Testing

/// Every channel handler has a test that drives it on its own. Where that is not possible, the table says which test
/// drives it through the connection that it belongs to.
@Suite("Channel handlers")
struct HandlerTests {
    /// Handlers that no test can make: private to their file, or the end of a connection that nothing else can build.
    private static let indirect: [(handler: String, test: String)] = [
        ("HandshakeWatcher", "RstreamDaemonTests/Doctor/DoctorTests.swift"),
        ("FailureHandler", "RstreamTests/ControlPlaneRouteTests.swift"),
        ("RelayHandler", "RstreamRelayTests/RelayReferenceTests.swift"),
        ("HTTPCheckHandler", "RstreamRelayTests/SeveralUpstreamsTests.swift"),
        ("ListenerStream", "RstreamRelayTests/DialListenerTests.swift"),
        ("ServiceHandshakeHandler", "RstreamRelayTests/UpstreamTLSTests.swift"),
        ("WebSocketFrameHandler", "IntegrationTests/SDKTests.swift"),
        ("LeftoverInputHandler", "DevEngineTests/ConnectionTests.swift"),
        ("ServiceHandler", "DevEngineTests/EdgeRequestTests.swift"),
        ("HTTP2Handler", "IntegrationTests/VisitorTests.swift"),
        ("VisitorHTTP2Handler", "DevEngineTests/RequestTests.swift"),
    ]

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The types in a text that conform to one of NIO's handler protocols.
    private static func handlers(in text: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            guard !line.drop(while: { $0 == " " }).hasPrefix("//"), let colon = line.firstIndex(of: ":") else {
                return nil
            }
            let conformances = line[colon...]
            let words = line[..<colon].split(separator: " ")
            guard let kind = words.firstIndex(where: { ["class", "struct", "actor"].contains($0) }),
                kind + 1 < words.count,
                ["ChannelInboundHandler", "ChannelOutboundHandler", "ChannelDuplexHandler"].contains(
                    where: conformances.contains
                )
            else { return nil }
            return String(words[kind + 1].prefix { $0 != "<" })
        }
    }

    private static func texts(in folder: String) throws -> [(file: String, text: String)] {
        let path = root.appending(path: folder).path
        return try FileManager.default.subpathsOfDirectory(atPath: path).filter { $0.hasSuffix(".swift") }.map {
            ($0, try String(contentsOfFile: "\(path)/\($0)", encoding: .utf8))
        }
    }

    @Test("are named by a test, or in the table")
    func tested() throws {
        let handlers = Set(try Self.texts(in: "Sources").flatMap { Self.handlers(in: $0.text) })
        #expect(handlers.count > 20)
        let tests = try Self.texts(in: "Tests").filter { !$0.file.hasPrefix("LayoutTests/") }.map(\.text)
        let listed = Set(Self.indirect.map(\.handler))
        for handler in handlers.subtracting(listed).sorted() {
            let isMade = tests.contains { text in
                text.contains("\(handler)(") || text.contains("\(handler) {") || text.contains("\(handler).self")
                    || text.contains("\(handler).read(")
            }
            #expect(isMade, "no test makes a \(handler)")
        }
        #expect(listed.isSubset(of: handlers), "\(listed.subtracting(handlers)) are no handlers any more")
    }

    @Test("that the table lists have the test that it names", arguments: indirect.indices)
    func listed(index: Int) {
        let path = Self.root.appending(path: "Tests/\(Self.indirect[index].test)").path
        #expect(FileManager.default.fileExists(atPath: path), "\(path) is not there")
    }

    @Test("are found by the protocols of NIO")
    func found() {
        #expect(Self.handlers(in: "final class A: ChannelInboundHandler {") == ["A"])
        #expect(Self.handlers(in: "    private final class A<B>: ChannelDuplexHandler, Sendable {") == ["A"])
        #expect(Self.handlers(in: "// final class A: ChannelInboundHandler").isEmpty)
        #expect(Self.handlers(in: "let a: ChannelInboundHandler").isEmpty)
    }
}
