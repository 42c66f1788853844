// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import GuardedJSON
import RstreamTestSupport
import Testing

@testable import DockerTunnels

@Suite("a listing of containers")
struct ContainerListingTests {
    private static func listing(_ json: String) throws -> ContainerListing {
        try ContainerListing(json: json.utf8)
    }

    @Test("is read as Docker writes it")
    func docker() throws {
        let container = TestContainer(
            "web",
            id: "f00d",
            labels: ["b": "2", "a": "1"],
            networks: ["front": "172.18.0.2", "back": "172.19.0.3"]
        )
        let listing = try Self.listing(TestContainer.listing([container]))
        #expect(
            listing.containers == [
                Container(
                    id: "f00d",
                    names: ["web"],
                    created: 1_790_000_000,
                    labels: [.init(key: "a", value: "1"), .init(key: "b", value: "2")],
                    networks: [
                        .init(name: "back", addresses: ["172.19.0.3"]), .init(name: "front", addresses: ["172.18.0.2"]),
                    ]
                )
            ]
        )
        #expect(listing.unreadable == 0)
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
            "1", "null", "[]", #""web""#, #"{"Id":7}"#, #"{"Labels":{"a":1}}"#, #"{"Names":"web"}"#,
            #"{"NetworkSettings":{"Networks":[]}}"#, #"{"State":{}}"#,
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
        arguments: ["", "{}", "null", "[", "<html>", "[{]", String(repeating: "[", count: 100_000), "[\u{0}]"]
    )
    func garbage(text: String) {
        #expect(throws: GuardedJSON.Failure.self) { try Self.listing(text) }
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
        for text in ["[\(bad)", "[\(bad),]", bad] {
            #expect(throws: GuardedJSON.Failure.tooManyMarks) { try Self.listing(text) }
        }
    }

    @Test("is an error where it is too long")
    func tooLong() {
        let text = "[" + String(repeating: " ", count: ContainerListing.longest) + "]"
        #expect(throws: GuardedJSON.Failure.tooLong(limit: ContainerListing.longest)) { try Self.listing(text) }
    }
}
