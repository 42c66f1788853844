// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

extension TransportOptions {
    /// Connections to the engine that are made before a stream needs them, so that the stream costs one write instead
    /// of TCP and TLS. They are there only while a control channel is open.
    public struct Prewarm: Hashable, Sendable {
        /// What decides how many connections are kept warm.
        public enum Mode: String, Hashable, Sendable, CaseIterable {
            /// As many as streams came at once lately; none while it is quiet.
            case auto
            /// None.
            case off
            /// Always `maximum`.
            case fixed
        }

        /// What decides how many connections are kept warm; `auto` unless given.
        public var mode: Mode
        /// The most that are kept warm at a time, 1 to 256, and no more than the streams that may be in their handshake;
        /// 16 unless given.
        public var maximum: Int
        /// How long the engine may hear nothing on a connection, 1 s to 1 min; 5 s unless given. A connection that no
        /// stream takes is dropped a second earlier, because a stream may withhold its first frame that long, but not
        /// before half of the time. An engine that was seen to close a silent connection earlier makes it shorter.
        public var maxAge: Duration

        /// What ``maximum`` may be.
        package static let maximumRange = 1...256
        /// What ``maxAge`` may be.
        package static let maxAgeRange = Duration.seconds(1)...Duration.seconds(60)

        /// What is not given has rstreamd's defaults; what is out of range becomes the nearest value in it.
        ///
        /// - Parameters:
        ///   - mode: What decides how many connections are kept warm.
        ///   - maximum: The most that are kept warm at a time.
        ///   - maxAge: How long the engine may hear nothing on a connection.
        public init(mode: Mode = .auto, maximum: Int = 16, maxAge: Duration = .seconds(5)) {
            self.mode = mode
            self.maximum = min(max(maximum, Self.maximumRange.lowerBound), Self.maximumRange.upperBound)
            self.maxAge = min(max(maxAge, Self.maxAgeRange.lowerBound), Self.maxAgeRange.upperBound)
        }
    }
}
