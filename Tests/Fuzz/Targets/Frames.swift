// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamWire

/// The frames of a peer: they are the same however they arrive, and reading them ends.
enum Frames {
    private struct Reading: Equatable {
        var messages: [Message] = []
        var failure: FrameError?
        var rest: [UInt8] = []
    }

    static func check(_ bytes: [UInt8]) throws(Finding) {
        let ways = deliveries(of: bytes)
        let first = try read(ways[0], of: bytes.count)
        for way in ways.dropFirst() {
            let other = try read(way, of: bytes.count)
            try demand(other == first, "\(first) at once is \(other) in pieces of \(way.first?.count ?? 0)")
        }
        try demand(bytes.suffix(first.rest.count).elementsEqual(first.rest), "the rest is not the end of the input")
        for message in first.messages {
            var frame = ByteBuffer()
            do throws(FrameError) {
                try frame.writeFrame(message)
            } catch .tooLarge {
                // Texts with their defaults may take more room than those that came.
                continue
            } catch {
                throw Finding("\(message) was read and cannot be written: \(error)")
            }
            try demand(frame.readableBytes <= WireLimits.frameHeader + WireLimits.framePayload, "a frame is too long")
        }
    }

    private static func read(_ pieces: [[UInt8]], of count: Int) throws(Finding) -> Reading {
        var reading = Reading()
        var reader = FrameReader()
        for piece in pieces {
            var piece = ByteBuffer(bytes: piece)
            reader.append(&piece)
            do throws(FrameError) {
                while let message = try reader.next() {
                    reading.messages.append(message)
                    // A frame takes at least its header.
                    if reading.messages.count > count / WireLimits.frameHeader { throw .malformed }
                }
            } catch {
                try demand(reading.messages.count <= count / WireLimits.frameHeader, "reading does not end")
                reading.failure = error
                return reading
            }
        }
        reading.rest = Array(reader.takeRemaining().readableBytesView)
        return reading
    }
}
