// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A proxy between this host and the engine. TLS to the engine is end to end inside of it (CONFIG.md §7).
public struct Proxy: Hashable, Sendable {
    /// The proxy and its protocol.
    public enum Route: Hashable, Sendable {
        /// HTTP CONNECT, unencrypted.
        case http(EngineAddress)
        /// HTTP CONNECT over TLS.
        case https(EngineAddress)
        /// SOCKS5.
        case socks5(EngineAddress)
        /// What the proxy variables of the environment say for each address, which may be no proxy.
        case environment(ProxyEnvironment)
    }

    /// The proxy and its protocol.
    public var route: Route
    /// The credentials for the proxy; nil for none.
    public var credentials: Credentials?
    /// Sent with CONNECT; HTTP only.
    @Bytewise public var headers: [String: String]
    /// How an `https` proxy proves who it is; without a server name, by the proxy's host.
    public var tls: TransportOptions.TLS

    /// A user of a proxy.
    public struct Credentials: Hashable, Sendable {
        /// The user's name.
        @Bytewise public var username: String
        /// The user's password.
        public var password: Secret

        /// Names a user.
        public init(username: String, password: Secret) {
            self.username = username
            self.password = password
        }
    }

    /// A proxy without credentials and headers unless given.
    public init(
        route: Route,
        credentials: Credentials? = nil,
        headers: [String: String] = [:],
        tls: TransportOptions.TLS = TransportOptions.TLS()
    ) {
        self.route = route
        self.credentials = credentials
        self.headers = headers
        self.tls = tls
    }
}

/// What the environment says about proxies, read once (CONFIG.md §7).
public struct ProxyEnvironment: Hashable, Sendable {
    /// The first non-empty of `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY`, with the credentials in it; nil for none.
    public var proxy: ProxyURL?
    /// The entries of `NO_PROXY`.
    public var exceptions: [ProxyException]

    /// Invalid entries of `NO_PROXY`, for a warning.
    package var unreadableExceptions: [String] = []

    /// No proxy unless given.
    public init(proxy: ProxyURL? = nil, exceptions: [ProxyException] = []) {
        self.proxy = proxy
        self.exceptions = exceptions
    }
}

extension Proxy {
    /// Why a header or credentials cannot be sent to a proxy.
    package enum Problem: Hashable, Sendable, CustomStringConvertible {
        /// This is not a header name (RFC 9110 §5.6.2).
        case headerName(String)
        /// The header's value would end its line, or has control characters.
        case headerValue(String)
        /// The header frames, addresses or authorizes the request itself.
        case reservedHeader(String)
        /// The same name is given twice, in different case.
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
    package static func problems(
        inHeaders headers: [String: String],
        besideCredentials hasCredentials: Bool
    ) -> [Problem] {
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
    package static func problem(in credentials: Credentials, forSOCKS5 isSOCKS5: Bool) -> Problem? {
        guard isSOCKS5 else { return credentials.username.contains(byte: ":") ? .colonInUsername : nil }
        let (user, password) = (credentials.username.utf8.count, credentials.password.count)
        return (1...255).contains(user) && password <= 255 ? nil : .credentialLength
    }
}

extension Proxy {
    /// The secrets that are sent to a proxy: the password, alone and as it is sent with the user's name, and the values
    /// of headers.
    package static func secrets(inHeaders headers: [String: String], _ credentials: Credentials?) -> [[UInt8]] {
        var secrets = SecretMask.secrets(inHeaders: headers)
        if let credentials {
            let password = credentials.password.withBytes { Array($0) }
            secrets += [password, Array("\(credentials.username):".utf8) + password]
        }
        return secrets
    }

    /// The secrets of this proxy, also of one that the environment names.
    package var secrets: [[UInt8]] {
        var all = Self.secrets(inHeaders: headers, credentials)
        if case .environment(let environment) = route, let credentials = environment.proxy?.credentials {
            all += Self.secrets(inHeaders: [:], credentials)
        }
        return all
    }
}
