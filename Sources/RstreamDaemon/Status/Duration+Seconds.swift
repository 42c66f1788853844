internal import RstreamModel

extension Duration {
    /// What the configuration's document calls ``inSeconds``.
    var secondsNumber: Double { inSeconds }
}
