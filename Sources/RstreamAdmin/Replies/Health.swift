/// `GET /v1/health/live` and `/v1/health/ready`: 200 when ``isHealthy``, 503 otherwise.
package struct Health: Codable, Hashable, Sendable {
    /// `ok` or `unavailable`.
    package var status: String
    /// What is wrong, a sentence each; empty when nothing is.
    package var reasons: [String]

    package init(reasons: [String]) {
        status = reasons.isEmpty ? "ok" : "unavailable"
        self.reasons = reasons
    }

    package var isHealthy: Bool { reasons.isEmpty }
}
