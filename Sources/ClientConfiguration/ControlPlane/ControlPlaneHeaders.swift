// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import GuardedJSON
internal import RstreamModel

/// The rules for headers that the user adds to calls of the control plane (CONFIG.md §9).
package enum ControlPlaneHeaders {
    private static let reserved: Set<String> = [
        "authorization", "connection", "content-length", "cookie", "forwarded", "host", "keep-alive",
        "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    ]

    /// Bytes of the variable that holds them.
    private static let longest = 64 * 1_024

    /// The headers of one source under their canonical names, without those that are added to `mistakes`.
    package static func checked(_ headers: [String: String], mistakes: inout [SettingMistake]) -> [String: String] {
        var checked: [String: String] = [:]
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            let name = name.trimmed
            let lowered = name.asciiLowercased
            let what: String? =
                if !name.isHeaderName {
                    "invalid control plane header name"
                } else if reserved.contains(lowered) || lowered.startsWithBytes(of: "x-forwarded-") {
                    "reserved control plane header"
                } else if !value.isHeaderValue {
                    "invalid value for control plane header"
                } else if checked.updateValue(value, forKey: canonical(lowered)) != nil {
                    "duplicate control plane header"
                } else {
                    nil
                }
            if let what { mistakes.append(SettingMistake("headers.\(name)", "\(what) \"\(name.shortened)\"")) }
        }
        return checked
    }

    /// Reads the variable, a JSON object of texts.
    static func parse(_ json: String, mistakes: inout [SettingMistake]) -> [String: String] {
        guard let headers = try? GuardedJSON.decode([String: String].self, from: json.utf8, limit: longest) else {
            // Its content may be a secret.
            let fix = #"like {"X-Company": "acme"}"#
            mistakes.append(SettingMistake("headers", "is not a JSON object of texts", fix: fix))
            return [:]
        }
        return headers
    }

    /// Upper case for the first letter of every word, as Go writes names.
    private static func canonical(_ lowered: String) -> String {
        lowered.split(byte: "-", omittingEmpty: false)
            .map { $0.prefix(1).asciiUppercased + $0.dropFirst() }.joined(separator: "-")
    }
}
