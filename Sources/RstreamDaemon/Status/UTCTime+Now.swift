internal import Linux
internal import RstreamModel

extension UTCTime {
    /// What the admin socket's connections call ``now``.
    static func now() -> Self { .now }
}
