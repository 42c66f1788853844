internal import FoundationEssentials
internal import RstreamModel

/// The rules for headers that the user adds to calls of the control plane (CONFIG.md §9).
package enum ControlPlaneHeaders {
    private static let reserved: Set<String> = [
        "authorization", "connection", "content-length", "cookie", "forwarded", "host", "keep-alive",
        "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    ]

    /// The headers of one source under their canonical names.
    package static func checked(_ headers: [String: String]) throws(SettingMistake) -> [String: String] {
        var checked: [String: String] = [:]
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            let name = name.trimmed
            func mistake(_ what: String) -> SettingMistake {
                SettingMistake("headers.\(name)", "\(what) \"\(name.shortened)\"")
            }
            guard name.isHeaderName else { throw mistake("invalid control plane header name") }
            let lowered = name.lowercased()
            guard !reserved.contains(lowered), !lowered.hasPrefix("x-forwarded-") else {
                throw mistake("reserved control plane header")
            }
            guard value.isHeaderValue else { throw mistake("invalid value for control plane header") }
            guard checked.updateValue(value, forKey: canonical(lowered)) == nil else {
                throw mistake("duplicate control plane header")
            }
        }
        return checked
    }

    /// Reads the variable, a JSON object of texts.
    static func parse(_ json: String) throws(SettingMistake) -> [String: String] {
        guard let headers = try? JSONDecoder().decode([String: String].self, from: Data(json.utf8)) else {
            // Its content may be a secret.
            throw SettingMistake("headers", "is not a JSON object of texts", fix: #"like {"X-Company": "acme"}"#)
        }
        return headers
    }

    /// Upper case for the first letter of every word, as Go writes names.
    private static func canonical(_ lowered: String) -> String {
        lowered.split(separator: "-", omittingEmptySubsequences: false)
            .map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(separator: "-")
    }
}
