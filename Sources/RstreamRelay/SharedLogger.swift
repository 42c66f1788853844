// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import Synchronization

/// The logger of a tunnel or listener, which gets other facts when a reload gives its context another name.
final class SharedLogger: Sendable {
    private let logger: Lock<Logger>

    init(_ logger: Logger) { self.logger = Lock(logger) }

    /// For what is logged from now on. A stream keeps the one with which it came.
    var current: Logger {
        get { logger.withLock { $0 } }
        set { logger.withLock { $0 = newValue } }
    }
}
