// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// What is kept of both bodies of a request, where a client asks for that (``RequestCapture``).
package struct InspectedBodies: Hashable, Sendable {
    package var request = InspectedBody()
    package var response = InspectedBody()

    /// What they take of the memory for requests.
    var size: Int { request.bytes.count + response.bytes.count }
}

/// The first bytes of a body, as they were sent: a coding such as gzip is not undone, and no secret is hidden.
package struct InspectedBody: Hashable, Sendable {
    /// Bytes of a body; further ones are left out.
    package static let most = 8 * 1_024

    package private(set) var bytes: [UInt8] = []
    /// Whether bytes are missing that have passed.
    package private(set) var isCut = false

    /// Adds bytes that pass, as far as they take no more than `room`.
    mutating func add(_ piece: UnsafeRawBufferPointer, room: Int) {
        // Bytes behind a hole would be taken for the ones that are missing.
        guard !isCut, !piece.isEmpty else { return }
        let kept = max(0, min(piece.count, room, Self.most - bytes.count))
        bytes += piece.prefix(kept)
        isCut = kept < piece.count
    }
}
