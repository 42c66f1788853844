import NIOCore

/// Where TLS records end in the bytes of a connection (RFC 8446 §5.1).
///
/// A peer that ends between two records, without a goodbye, has said whole records; within one, something is missing.
struct TLSRecords {
    /// Bytes of a header that has begun.
    private var header = 0
    /// What they say so far; the last two are the length of what follows.
    private var length = 0
    /// Bytes of the record under way that are still to come.
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
