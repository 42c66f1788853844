/// A range of addresses in CIDR form, as `trusted_ips` lists them.
package struct IPPrefix: Hashable, Sendable, CustomStringConvertible {
    /// The address as written; bits behind the length are ignored when matching.
    package let address: IPAddress
    /// Number of leading bits that count: 0 to 32, or 0 to 128.
    package let length: Int

    /// Reads `192.0.2.0/24` or `2001:db8::/32`. The length is not optional.
    package init?(_ text: String) {
        let parts = text.split(byte: "/", omittingEmpty: false)
        guard parts.count == 2, let address = IPAddress(parts[0]),
            (1...3).contains(parts[1].utf8.count), parts[1].isDigits, let length = Int(parts[1]),
            length <= address.octets.count * 8
        else { return nil }
        self.address = address
        self.length = length
    }

    /// Whether `candidate` is of the same family and shares the leading bits.
    package func contains(_ candidate: IPAddress) -> Bool {
        let wanted = address.octets
        let given = candidate.octets
        guard wanted.count == given.count else { return false }
        for bit in 0..<length {
            let mask = UInt8(0x80) >> UInt8(bit % 8)
            if wanted[bit / 8] & mask != given[bit / 8] & mask { return false }
        }
        return true
    }

    /// `address/length`.
    package var description: String { "\(address)/\(length)" }
}
