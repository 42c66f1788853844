// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// How the services of a tunnel are checked when no stream tells how they are: the `upstream.health` of a tunnel file
/// (contract §3.3).
package struct UpstreamHealthOptions: Hashable, Sendable {
    /// What a check does.
    package enum Check: Hashable, Sendable {
        /// Connects, and drops the connection.
        case tcp
        /// Sends a GET request by HTTP/1.1 and looks at the status of the answer.
        case http(HTTPCheck)
    }

    package struct HTTPCheck: Hashable, Sendable {
        /// Starts with a slash.
        package var path: String
        /// The `Host` of the request.
        package var host: String
        /// The statuses of a healthy service.
        package var statuses: ClosedRange<Int>

        package init(path: String = "/", host: String = "localhost", statuses: ClosedRange<Int> = 200...399) {
            self.path = path
            self.host = host
            self.statuses = statuses
        }
    }

    /// What becomes of a tunnel none of whose services is healthy.
    package enum UnhealthyAction: String, Hashable, Sendable, CaseIterable {
        /// It stays open, and its streams try all services.
        case serve
        /// It is closed at the engine until a service is healthy.
        case close
    }

    /// The statuses that `status` may name.
    package static let statusRange = 100...599
    /// The range of ``rise`` and ``fall``.
    package static let countRange = 1...100
    /// The range of ``interval``.
    package static let intervalRange: ClosedRange<Duration> = .seconds(1) ... .seconds(86_400)

    /// From one check of a service to the next, more or less a tenth; a second to a day.
    package var interval: Duration
    /// How long a check may take; more than zero.
    package var timeout: Duration
    /// How many checks in a row must succeed until an unhealthy service is healthy, 1 to 100.
    package var rise: Int
    /// How many checks in a row must fail until a healthy service is unhealthy, 1 to 100.
    package var fall: Int
    package var check: Check
    package var onUnhealthy: UnhealthyAction

    /// The contract's defaults unless given.
    package init(
        interval: Duration = .seconds(10),
        timeout: Duration = .seconds(2),
        rise: Int = 2,
        fall: Int = 3,
        check: Check = .tcp,
        onUnhealthy: UnhealthyAction = .serve
    ) {
        self.interval = interval
        self.timeout = timeout
        self.rise = rise
        self.fall = fall
        self.check = check
        self.onUnhealthy = onUnhealthy
    }
}
