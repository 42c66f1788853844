extension Proxy {
    /// Why a header or a user cannot be told to a proxy.
    package enum Flaw: Hashable, Sendable, CustomStringConvertible {
        /// What cannot name a header (RFC 9110 §5.6.2).
        case headerName(String)
        /// The header's value would end its line, or harm whoever logs it.
        case headerValue(String)
        /// The header frames, addresses or authorizes the request itself.
        case reservedHeader(String)
        /// The same name stands there in another case already.
        case repeatedHeader(String)
        /// Basic authentication takes the first colon for the end of the user's name (RFC 7617 §2).
        case colonInUsername
        /// SOCKS5 has one byte for the length of each (RFC 1929 §2). It wants passwords of one byte at least, and
        /// proxies with users that have none take those all the same.
        case credentialLength

        /// What is wrong, in one line that holds no value.
        package var description: String {
            switch self {
            case .headerName(let name): "invalid proxy header name \"\(name.shortened)\""
            case .headerValue(let name): "invalid value for proxy header \"\(name.shortened)\""
            case .reservedHeader(let name): "reserved proxy header \"\(name.shortened)\""
            case .repeatedHeader(let name): "duplicate proxy header \"\(name.shortened)\""
            case .colonInUsername: "proxy.username must not contain \":\""
            case .credentialLength: "a SOCKS5 proxy takes user names of 1 to 255 bytes, and passwords of 255 at most"
            }
        }
    }

    private static let reservedHeaders: Set<String> = ["connection", "content-length", "host", "transfer-encoding"]

    /// What is wrong with headers for CONNECT, in the order of their names. An authorization of another kind than
    /// Basic may stand among them, unless there are credentials.
    package static func flaws(inHeaders headers: [String: String], besideCredentials hasCredentials: Bool) -> [Flaw] {
        var names: Set<String> = []
        return headers.sorted { $0.key < $1.key }.compactMap { name, value in
            let lowered = name.asciiLowercased
            guard name.isHeaderName else { return .headerName(name) }
            guard !reservedHeaders.contains(lowered), !(hasCredentials && lowered == "proxy-authorization") else {
                return .reservedHeader(name)
            }
            guard names.insert(lowered).inserted else { return .repeatedHeader(name) }
            return value.isHeaderValue ? nil : .headerValue(name)
        }
    }

    /// What is wrong with credentials for a SOCKS5 or else an HTTP proxy.
    package static func flaw(in credentials: Credentials, forSOCKS5 isSOCKS5: Bool) -> Flaw? {
        guard isSOCKS5 else { return credentials.username.contains(byte: ":") ? .colonInUsername : nil }
        let (user, password) = (credentials.username.utf8.count, credentials.password.count)
        return (1...255).contains(user) && password <= 255 ? nil : .credentialLength
    }
}
