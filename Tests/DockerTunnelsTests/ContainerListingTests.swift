// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import GuardedJSON
import RstreamTestSupport
import Testing

@testable import DockerTunnels

@Suite("a listing of containers")
struct ContainerListingTests {
    /// As it is read of an answer that comes in pieces of `size` bytes.
    private static func listing(
        _ json: String,
        inPiecesOf size: Int = 100,
        by reader: ContainerListReader = ContainerListReader()
    ) throws -> ContainerListing {
        let (bytes, count) = (Array(json.utf8), json.utf8.count)
        var reader = reader
        for start in stride(from: 0, to: count, by: size) { try reader.read(Array(bytes[start...].prefix(size))) }
        return try reader.end()
    }

    @Test("is read as Docker writes it")
    func docker() throws {
        let container = TestContainer(
            "web",
            id: "f00d",
            labels: ["rstream.tunnel.b.forward": "2", "rstream.tunnel.a.forward": "1", "rstream.context": "main"],
            networks: ["front": "172.18.0.2", "back": "172.19.0.3"]
        )
        let text = TestContainer.listing([container])
        let listing = try Self.listing(text)
        for size in [1, 7, text.utf8.count] { #expect(try Self.listing(text, inPiecesOf: size) == listing) }
        #expect(
            listing.containers == [
                Container(
                    id: "f00d",
                    names: ["web"],
                    created: 1_790_000_000,
                    labels: [
                        .init(key: "rstream.context", value: "main"),
                        .init(key: "rstream.tunnel.a.forward", value: "1"),
                        .init(key: "rstream.tunnel.b.forward", value: "2"),
                    ],
                    networks: [
                        .init(name: "back", addresses: ["172.19.0.3"]), .init(name: "front", addresses: ["172.18.0.2"]),
                    ]
                )
            ]
        )
        #expect(listing.containers.first?.labels.count == 3)
        #expect(listing.unreadable == 0)
    }

    @Test("has of all labels those that are ours, and none where they are too long")
    func labels() throws {
        let key = "rstream.tunnel.a.forward"
        let longest = Container.longestLabels - key.utf8.count
        for (length, isKept) in [(0, true), (longest, true), (longest + 1, false)] {
            let value = String(repeating: "x", count: length)
            let foreign = ["other": String(repeating: "y", count: 100_000), "rstream": "", "rstream.contexts": ""]
            let container = TestContainer("web", labels: foreign.merging([key: value]) { $1 })
            let found = try #require(try Self.listing(TestContainer.listing([container])).containers.first)
            #expect(found.labels == (isKept ? [.init(key: key, value: value)] : []))
            #expect(found.hasLongLabels == !isKept)
        }
    }

    @Test(
        "has no addresses where a container has none, in each way that this is written",
        arguments: [
            "null", "{}", #"{"Networks":null}"#, #"{"Networks":{}}"#, #"{"Networks":{"a":null}}"#,
            #"{"Networks":{"a":{"IPAddress":""}}}"#, #"{"Networks":{"host":{"IPAddress":"","GlobalIPv6Address":""}}}"#,
            #"{"Networks":{"a":{"IPAddress":"no address"}}}"#,
        ]
    )
    func noAddress(settings: String) throws {
        let listing = try Self.listing(#"[{"Id":"1","Names":["/a"],"Created":1,"NetworkSettings":\#(settings)}]"#)
        #expect(listing.containers.count == 1)
        #expect(listing.containers.flatMap(\.networks).flatMap(\.addresses) == [])
    }

    @Test("has the address of IPv6 behind that of IPv4")
    func addresses() throws {
        let place = #"{"IPAddress":"10.0.0.1","GlobalIPv6Address":"2001:db8::1"}"#
        let listing = try Self.listing(#"[{"Id":"1","NetworkSettings":{"Networks":{"a":\#(place)}}}]"#)
        #expect(listing.containers.first?.networks.first?.addresses == ["10.0.0.1", "2001:db8::1"])
    }

    @Test("leaves out what does not run")
    func states() throws {
        var containers = ["running", "paused", "restarting", "exited", "created"].map { state in
            var container = TestContainer(state, labels: [:])
            container.state = state
            return container
        }
        containers[0].state = "Running"
        let listing = try Self.listing(TestContainer.listing(containers))
        #expect(listing.containers.map(\.name) == ["running"])
        #expect(listing.unreadable == 0)
    }

    @Test("has the container that was made first in front, whatever the order of the API")
    func order() throws {
        let containers = [("c", 3), ("b", 1), ("a", 1)].map { TestContainer($0, id: $0, created: $1, labels: [:]) }
        for listed in [containers, containers.reversed()] {
            #expect(try Self.listing(TestContainer.listing(listed)).containers.map(\.name) == ["a", "b", "c"])
        }
    }

    @Test(
        "calls a container by its first own name, and else by its id",
        arguments: [
            (#"["/web"]"#, "web"), (#"["web"]"#, "web"), (#"["/db/web","/web"]"#, "web"), (#"["/db/web"]"#, "db/web"),
            (#"[""]"#, "0123456789ab"), (#"["/"]"#, "0123456789ab"), ("[]", "0123456789ab"), ("null", "0123456789ab"),
        ]
    )
    func names(json: String, name: String) throws {
        let listing = try Self.listing(#"[{"Id":"0123456789abcdef","Names":\#(json),"Created":1}]"#)
        #expect(listing.containers.first?.name == name)
    }

    @Test("calls a container without anything unknown")
    func unknown() throws {
        #expect(try Self.listing("[{}]").containers.first?.name == "unknown")
    }

    @Test(
        "counts what is no container, and reads the others",
        arguments: [
            "1", "null", "[]", "<html>", "\u{0}", #""web""#, #"{"Id":7}"#, #"{"Id"}"#, #"{"Labels":{"a":1}}"#,
            #"{"Names":"web"}"#, #"{"NetworkSettings":{"Networks":[]}}"#, #"{"State":{}}"#,
        ]
    )
    func foreign(json: String) throws {
        let listing = try Self.listing("[\(json),\(TestContainer("web", labels: [:]).json)]")
        #expect(listing.containers.map(\.name) == ["web"])
        #expect(listing.unreadable == 1)
    }

    @Test("needs no time of its making", arguments: [#""yesterday""#, "null", "1e99", "-1", "[]"])
    func created(json: String) throws {
        let listing = try Self.listing(#"[{"Id":"1","Names":["/a"],"Created":\#(json)}]"#)
        #expect(listing.containers.map(\.name) == ["a"])
    }

    @Test(
        "is an error where it is none",
        arguments: ["", "{}", "null", "[", "<html>", "[{]", "[{},]", String(repeating: "[", count: 100_000)]
    )
    func garbage(text: String) {
        #expect(throws: DockerFailure.badAnswer("it is no list in JSON")) { try Self.listing(text) }
    }

    @Test("is read without a container that has more combining marks in a row than any text has")
    func marks() throws {
        let marks = String(repeating: "\u{301}", count: GuardedJSON.mostMarks + 1)
        let bad = ##"{"Id":"1","Names":["/bad"],"Created":1,"Labels":{"a":"]},\"[e\##(marks)"}}"##
        let good = TestContainer("web", labels: [:]).json
        for (text, count) in [("[\(bad),\(good)]", 1), (" [ \(good) , \(bad) ] ", 1), ("[\(bad),\(good),\(bad)]", 2)] {
            let listing = try Self.listing(text)
            #expect(listing.containers.map(\.name) == ["web"])
            #expect(listing.unreadable == count)
        }
    }

    @Test("is read without a container that is longer than any, wherever it is in the list")
    func tooLong() throws {
        let good = TestContainer("web", labels: [:]).json
        let long = TestContainer("long", labels: ["a": String(repeating: "]},{[\"\\", count: 200)]).json
        #expect(good.utf8.count < 1_000)
        for (text, count) in [("[\(long),\(good)]", 1), ("[\(good) , \(long)]", 1), ("[\(long),\(good),\(long)]", 2)] {
            for size in [1, 7, 100_000] {
                let listing = try Self.listing(text, inPiecesOf: size, by: ContainerListReader(longestEntry: 1_000))
                #expect(listing.containers.map(\.name) == ["web"])
                #expect(listing.tooLong == count)
                #expect(listing.unreadable == 0)
            }
        }
    }

    @Test("is an error where there is more of it than any host has, and of what is kept of it")
    func tooMuch() throws {
        let containers = (0..<10).map { TestContainer("web\($0)", labels: ["a": String(repeating: "x", count: 5_000)]) }
        let text = TestContainer.listing(containers)
        let length = text.utf8.count
        let all = try Self.listing(text, by: ContainerListReader(longest: length, mostKept: 10_000))
        #expect(all.containers.count == 10)
        #expect(throws: DockerFailure.tooMuch) { try Self.listing(text, by: ContainerListReader(longest: length - 1)) }
        #expect(throws: DockerFailure.tooMuch) { try Self.listing(text, by: ContainerListReader(mostKept: 2_000)) }
        // Space in it has an end, too.
        #expect(throws: DockerFailure.tooMuch) {
            try Self.listing("[\(String(repeating: " ", count: 1_000))", by: ContainerListReader(longest: 1_000))
        }
    }
}
