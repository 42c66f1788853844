/// Places for readers of events: each that is taken has to be given back.
struct EventSlots: Sendable {
    /// Whether there was one.
    let take: @Sendable () -> Bool
    let giveBack: @Sendable () -> Void
}
