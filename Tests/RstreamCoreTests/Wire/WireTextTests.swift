// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import RstreamTestSupport
import RstreamWire
import Testing

/// Texts that no peer of ours writes, whatever the schema allows.
@Suite("texts of a message are judged where it is decoded")
struct WireTextTests {
    /// A run of combining marks of 64,000 bytes: to compare it as a String takes seconds.
    private static let marks = String(repeating: "\u{301}\u{323}", count: 16_000)
    private static let noIdentifiers = [
        marks, "\u{301}", "é", "a b", "a\n", "a\r\n", "a\u{0}", "a\u{7F}", "\u{202E}a", "🇩🇪", " ",
        String(repeating: "a", count: 129),
    ]

    private func decoded(_ message: Message) throws(FrameError) -> Message {
        try Message(payload: message.payload())
    }

    private func refused(_ message: Message) -> String? {
        do throws(FrameError) {
            _ = try decoded(message)
            return nil
        } catch {
            guard case .field(let error) = error else { return nil }
            return error.field
        }
    }

    @Test("an identifier is at most 128 bytes of visible ASCII", arguments: noIdentifiers)
    func identifiers(id: String) {
        let details = ClientDetails()
        let error = EngineError(code: .internalError)
        let messages: [(Message, String)] = [
            (.proxyConnectionRequest(ProxyConnectionRequest(tunnelID: "t", streamID: id)), "stream_id"),
            (.proxyConnectionRequest(ProxyConnectionRequest(tunnelID: id, streamID: "s")), "tunnel_id"),
            (.proxyConnectionResponse(ProxyConnectionResponse(streamID: id)), "stream_id"),
            (.proxyRequest(ProxyRequest(details: details, streamID: id, zeroRTT: nil)), "stream_id"),
            (.streamResponse(.connected(streamID: id)), "stream_id"),
            (.datagramChannelClose(streamID: id, error: nil), "stream_id"),
            (.closeTunnelRequest(tunnelID: id), "tunnel_id"), (.closeTunnelResponse(tunnelID: id), "tunnel_id"),
            (.openTunnelRequest(OpenTunnelRequest(requestID: id, properties: .init())), "request_id"),
            (.openTunnelResponse(OpenTunnelResponse(requestID: id, outcome: .error(error))), "request_id"),
            (.openControlChannelResponse(.ok(clientID: id, serverDetails: nil, liveness: nil)), "client_id"),
        ]
        for (message, field) in messages { #expect(refused(message) == field, "\(message.kind)") }
    }

    @Test("identifiers of official engines are taken", arguments: ["", "t1", "0d3adf5e-4d0c-4b6b-9c61-0a1b2c3d4e5f"])
    func usualIdentifiers(id: String) throws {
        let message = Message.proxyConnectionRequest(ProxyConnectionRequest(tunnelID: id, streamID: id))
        #expect(try decoded(message) == message)
        let longest = String(repeating: "~", count: 128)
        #expect(try decoded(.closeTunnelResponse(tunnelID: longest)) == .closeTunnelResponse(tunnelID: longest))
    }

    @Test("what is used as it is has a length")
    func values() {
        let long = String(repeating: "x", count: 20_000)
        let details = ClientDetails(token: Secret(long))
        let messages: [(Message, String)] = [
            (.proxyConnectionRequest(.init(tunnelID: "t", streamID: "s", secret: Secret(long))), "secret"),
            (.proxyConnectionRequest(.init(tunnelID: "t", streamID: "s", proxyEndpoint: Self.marks)), "proxy_endpoint"),
            (.streamRequest(StreamRequest(details: .init(), tunnelIDOrName: long, zeroRTT: nil)), "tunnel_id_name"),
            (.openControlChannelRequest(.init(details: details, liveness: nil)), "token"),
        ]
        for (message, field) in messages { #expect(refused(message) == field, "\(message.kind)") }
    }

    @Test("what only people read is cut, and says so")
    func texts() throws {
        for text in [Self.marks, String(repeating: "x", count: 60_000), String(repeating: "é", count: 30_000)] {
            guard
                case .proxyResponse(let error?) = try decoded(
                    .proxyResponse(error: EngineError(code: .invalidRequest, message: text))
                )
            else {
                Issue.record("no error was read")
                return
            }
            #expect(error.message.utf8.count <= 1_024)
            #expect(error.message.utf8.suffix(3).elementsEqual("…".utf8))
            guard case .serverMessage(let said) = try decoded(.serverMessage(text)) else { return }
            #expect(said.utf8.count <= 1_024)
            let server = ServerDetails(agent: text, version: text, update: text)
            guard
                case .openControlChannelResponse(.ok(_, let told?, _)) = try decoded(
                    .openControlChannelResponse(.ok(clientID: "c", serverDetails: server, liveness: nil))
                )
            else { return }
            for field in [told.agent, told.version, told.update] {
                #expect(try #require(field).utf8.count <= 128)
            }
        }
    }

    private static let unusable: [(String, @Sendable (inout TunnelProperties) -> Void)] = [
        ("name", { $0.name = marks }),
        ("type", { $0.type = marks }),
        ("protocol", { $0.protocol = String(repeating: "p", count: 257) }),
        ("hostname", { $0.hostname = marks }),
        ("hostname", { $0.hostname = "a b.example" }),
        ("hostname", { $0.hostname = "x\u{1B}[2J.example" }),
        ("hostname", { $0.hostname = "web.example\r\n" }),
        ("host", { $0.host = "web.example:99999" }),
        ("host", { $0.host = "\u{202E}elpmaxe.bew" }),
        ("labels", { $0.labels = [marks: "v"] }),
        ("labels", { $0.labels = ["k": String(repeating: "v", count: 1_025)] }),
        ("labels", { for number in 0..<65 { $0.labels["k\(number)"] = "" } }),
        ("geoip", { $0.geoip = ["DE", String(repeating: "x", count: 257)] }),
        ("trusted_ips", { $0.trustedIPs = [marks] }),
        ("tls_ciphers", { $0.tlsCiphers = [marks] }),
        ("tls_alpns", { $0.tlsALPNs = [marks] }),
        ("http_version", { $0.httpVersion = marks }),
        ("id", { $0.id = "é" }),
    ]

    @Test("a grant with a property that none has fails that request, and its id is told", arguments: unusable.indices)
    func grants(index: Int) throws {
        let (field, change) = Self.unusable[index]
        var properties = TunnelProperties()
        properties.id = "t1"
        change(&properties)
        let sent = Message.openTunnelResponse(OpenTunnelResponse(requestID: "r", outcome: .granted(properties)))
        guard case .openTunnelResponse(let response) = try decoded(sent), response.requestID == "r",
            case .unusable(let id, let error) = response.outcome
        else {
            Issue.record("\(field) was taken")
            return
        }
        #expect(error.field == field)
        #expect(id == (field == "id" ? nil : "t1"))
        #expect(error.description.utf8.count < 100)
    }

    @Test("labels stand on the wire as a map does, one of several equal keys counts")
    func labels() throws {
        var properties = TunnelProperties()
        properties.labels = ["b": "2", "a": "1"]
        let payload = try Message.openTunnelRequest(.init(requestID: "r", properties: properties)).payload()
        // Field 7, each entry with key 1 and value 2.
        #expect(payload == bytes("2a15 0a0172 1210 3a06 0a0161 120131 3a06 0a0162 120132"))
        let twice = bytes("2a15 0a0172 1210 3a06 0a0161 120131 3a06 0a0161 120132")
        guard case .openTunnelRequest(let request) = try Message(payload: twice) else { return }
        #expect(request.properties.labels == ["a": "2"])
    }

    @Test("a frame of combining marks costs no more than any other")
    func cost() throws {
        var properties = TunnelProperties()
        properties.labels = [Self.marks: "", Self.marks + "x": ""]
        let hostile: [Message] = [
            .proxyConnectionRequest(ProxyConnectionRequest(tunnelID: "t", streamID: Self.marks)),
            .openTunnelRequest(OpenTunnelRequest(requestID: "r", properties: properties)),
            .serverMessage(Self.marks),
        ]
        let payloads = try hostile.map { try $0.payload() }
        let time = Growth.cost {
            for _ in 0..<20 { for payload in payloads { _ = try? Message(payload: payload) } }
        }
        // One of them cost 2.4 s on its own.
        #expect(time < .seconds(2))
    }
}
