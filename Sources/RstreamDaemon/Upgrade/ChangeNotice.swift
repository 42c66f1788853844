// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Synchronization

/// Tells that something has changed, once for all changes until someone looks.
final class ChangeNotice: Sendable {
    private let isPending = Atomic(false)
    private let tell: @Sendable () -> Void

    init(_ tell: @escaping @Sendable () -> Void) { self.tell = tell }

    func changed() {
        if !isPending.exchange(true, ordering: .acquiringAndReleasing) { tell() }
    }

    /// Has to be called before the look, so that what changes during it is told again.
    func seen() { isPending.store(false, ordering: .sequentiallyConsistent) }
}
