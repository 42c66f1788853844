// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials

/// Random names.
enum Identifiers {
    static func uuid() -> String { UUID().uuidString.lowercased() }

    static func hex(digits: Int) -> String {
        String((0..<digits).map { _ in "0123456789abcdef".randomElement() ?? "0" })
    }
}
