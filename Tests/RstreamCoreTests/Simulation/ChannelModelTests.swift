// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import Testing

@Suite("a control channel, in every order of events")
struct ChannelModelTests {
    static let twoOfEach = ChannelWorld(name: "two tunnels and two streams")
    static let queue = ChannelWorld(
        name: "one tunnel and three streams, limits that change, an engine that takes no answers",
        tunnels: 1,
        streams: 3,
        limits: ControlChannelLimits(openingStreams: 1, pendingStreams: 1, unwrittenAnswers: 2),
        raisesLimit: true
    )
    static let heartbeats = ChannelWorld(
        name: "heartbeats, one tunnel and one stream",
        tunnels: 1,
        streams: 1,
        beats: 2
    )

    /// How many states and transitions there are. A change of the machine that is meant to change them changes them here,
    /// so that a reviewer sees that the world grew or shrank.
    static let sizes: [(world: ChannelWorld, states: Int, transitions: Int)] = [
        (twoOfEach, 3_871, 54_435), (queue, 2_412, 31_403), (heartbeats, 923, 11_732),
    ]

    @Test(
        "each stream is answered once, each tunnel opened once, and nothing follows the end",
        arguments: sizes.indices
    )
    func holds(index: Int) {
        let (world, states, transitions) = Self.sizes[index]
        let result = ChannelModel(world: world).explore()
        print("\(world.name): \(result.states) states, \(result.transitions) transitions")
        #expect(result.complaint == nil)
        #expect(result.states == states && result.transitions == transitions, "\(world.name): \(result)")
    }

    @Test("a mistake is found, whichever it is", arguments: ChannelFault.allCases)
    func finds(fault: ChannelFault) {
        let complaints = [Self.twoOfEach, Self.queue].compactMap { world in
            ChannelModel(world: world, fault: fault).explore().complaint
        }
        #expect(!complaints.isEmpty)
    }
}
