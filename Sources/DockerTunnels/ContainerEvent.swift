// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import GuardedJSON
internal import RstreamModel

/// One event of `GET /events`: a reason to list the containers, or none.
package enum ContainerEvent {
    /// What changes a listing: Docker's words (RUN.md §7), and Podman's where they differ.
    private static let words: Set<String> = [
        "create", "start", "restart", "stop", "die", "died", "destroy", "remove", "rename", "update", "pause",
        "unpause", "connect", "disconnect",
    ]

    private struct Fields: Decodable {
        let action: String?
        let status: String?

        enum CodingKeys: String, CodingKey {
            case action = "Action"
            case status
        }
    }

    /// Whether the containers have to be listed after this event. One that cannot be read may be such a one.
    package static func concernsListing(_ json: [UInt8]) -> Bool {
        guard let fields = try? GuardedJSON.decode(Fields.self, from: json, limit: EventLines.longest),
            let action = fields.action ?? fields.status
        else { return true }
        // `exec_start: /bin/check` and `health_status: healthy` come every few seconds.
        return action.utf8.count <= 16 && action.isVisibleASCII && words.contains(action)
    }
}
