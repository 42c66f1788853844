package import RstreamAdmin

extension AdminClient.Patience {
    /// For a daemon that answers, however slow it is.
    package static let long: Self = {
        var patience = Self()
        (patience.answer, patience.reload, patience.events) = (.seconds(600), .seconds(600), .seconds(600))
        return patience
    }()
}
