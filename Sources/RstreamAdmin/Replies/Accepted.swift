/// What is answered with 202: the daemon does it from now on.
package struct Accepted: Codable, Hashable, Sendable {
    /// What was asked for: `reconnect`, `disable`, `enable` or `drain`.
    package var action: String
    /// The context or the tunnel.
    package var target: String

    package init(action: String, target: String) {
        self.action = action
        self.target = target
    }
}
