// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// A length of time as short as a table wants it: `5s`, `3m`, `2h`, `12d`.
package struct Age: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ duration: Duration) {
        let seconds = max(0, duration.components.seconds)
        description =
            switch seconds {
            case ..<60: "\(seconds)s"
            case ..<3_600: "\(seconds / 60)m"
            case ..<86_400: "\(seconds / 3_600)h"
            default: "\(seconds / 86_400)d"
            }
    }

    /// From one time to another; a clock that went backwards makes it `0s`.
    package init(from start: UTCTime, to end: UTCTime) { self.init(start.duration(to: end)) }
}

/// How long one thing took: `1.2 ms`, `340 ms`, `12 s`, then as an ``Age``.
package struct Took: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ duration: Duration) { self.init(seconds: duration / .seconds(1)) }

    /// A negative duration, or one that is not a number, counts as zero.
    package init(seconds: Double) {
        let microseconds = Int64(exactly: (max(0, seconds) * 1_000_000).rounded()) ?? 0
        description =
            switch microseconds {
            case ..<1_000_000: "\(Decimal(microseconds, per: 1_000)) ms"
            case ..<60_000_000: "\(Decimal(microseconds, per: 1_000_000)) s"
            default: "\(Age(.microseconds(microseconds)))"
            }
    }
}

/// A number of bytes: `512 B`, `1.2 MiB`, `340 GiB`.
package struct ByteText: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ bytes: Int) {
        let bytes = max(0, bytes)
        var (unit, name) = (1, "B")
        // One step further where rounding would say 1024 of the smaller unit.
        for larger in ["KiB", "MiB", "GiB", "TiB", "PiB"] where bytes >= unit * 1_024 - unit / 2 {
            (unit, name) = (unit * 1_024, larger)
        }
        description = unit == 1 ? "\(bytes) B" : "\(Decimal(Int64(bytes), per: Int64(unit))) \(name)"
    }

    /// A rate: `1.2 MiB/s`.
    package static func perSecond(_ bytes: Double) -> String {
        "\(ByteText(Int(exactly: max(0, bytes).rounded()) ?? 0))/s"
    }
}

/// A quotient with one digit behind the point below 100, and none above; rounded to the nearest.
package struct Decimal: CustomStringConvertible {
    package let description: String

    package init(_ amount: Int64, per unit: Int64) {
        let (whole, rest) = amount.quotientAndRemainder(dividingBy: unit)
        // The remainder is at most a unit, and the largest unit times ten is far below the largest integer.
        let tenths = whole * 10 + (rest * 10 + unit / 2) / unit
        description = tenths < 1_000 ? "\(tenths / 10).\(tenths % 10)" : "\(whole + (rest >= unit - unit / 2 ? 1 : 0))"
    }
}

extension Decimal {
    package init(_ number: Double) { self.init(Int64(exactly: (max(0, number) * 1_000).rounded()) ?? 0, per: 1_000) }
}
