// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import RstreamWire

/// The payload of one frame: what was read is written and read again as the same, and hides the secrets that a peer
/// repeats.
enum Messages {
    private static let secret = "hunter2-hunter2"

    static func check(_ bytes: [UInt8]) throws(Finding) {
        guard let message = try? Message(payload: bytes) else { return }
        if case .serverMessage(let text) = message.hiding([Secret(secret)]) {
            try demand(!Array(text.utf8).contains(Array(secret.utf8)), "a secret stands in \(text)")
        }
        // What a grant was refused for is not told in bytes.
        if case .openTunnelResponse(let response) = message, case .unusable = response.outcome { return }
        let again: Message
        do throws(FrameError) {
            again = try Message(payload: message.payload())
        } catch {
            throw Finding("\(message) cannot be written and read again: \(error)")
        }
        try demand(again == message, "\(message) is read again as \(again)")
    }
}
