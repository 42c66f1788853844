// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// What a checker of models or simulated worlds found wrong, in one line.
package struct Complaint: Error, Hashable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// Complains unless something holds. It throws, so that nothing is concluded from a world that is wrong already.
package func demand(_ holds: Bool, _ complaint: @autoclosure () -> String) throws(Complaint) {
    guard holds else { throw Complaint(complaint()) }
}
