// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore

/// Tracks where TLS records end in the bytes of a connection (RFC 8446 §5.1).
///
/// A peer that ends the connection between two records has sent whole records; within one, the input is truncated.
struct TLSRecordTracker {
    /// Bytes of an incomplete header.
    private var header = 0
    /// Their value so far; the last two bytes are the length of the record.
    private var length = 0
    /// Bytes missing from the current record.
    private var missing = 0

    var areComplete: Bool { header == 0 && missing == 0 }

    mutating func append(_ bytes: ByteBuffer) {
        var rest = bytes.readableBytesView
        while let byte = rest.first {
            guard missing == 0 else {
                let count = min(missing, rest.count)
                missing -= count
                rest = rest.dropFirst(count)
                continue
            }
            rest = rest.dropFirst()
            header += 1
            length = (length & 0xFF) << 8 | Int(byte)
            if header == 5 { (header, length, missing) = (0, 0, length) }
        }
    }
}
