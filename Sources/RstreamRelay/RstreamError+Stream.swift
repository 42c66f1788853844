internal import RstreamModel

extension RstreamError {
    /// There is no room for a stream.
    static func refusedStream(_ what: String, fix: String?) -> Self {
        RstreamError(code: .overload, origin: .host, retry: .afterBackoff, what: what, fix: fix)
    }

    /// Half a stream was there, and went.
    static let wasLost = RstreamError(
        code: .streamClosed,
        origin: .host,
        retry: .never,
        what: "one side was gone before the other one was there"
    )

    /// An operator, a reload or a stop has ended a stream.
    static let wasCut = RstreamError(code: .streamClosed, origin: .host, retry: .never, what: "the stream was cut")

    /// Nothing was said for as long as `idleTimeout` allows.
    static let wasIdle = RstreamError(
        code: .streamClosed,
        origin: .host,
        retry: .never,
        what: "the stream was silent for longer than its idleTimeout"
    )
}
