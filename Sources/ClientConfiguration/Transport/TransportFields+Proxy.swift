// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// The rules for `proxy`, with the official tool's words for what goes wrong (CONFIG.md §8). No complaint repeats a
/// value: passwords stand in URLs, in headers and, by mistake, anywhere.
extension TransportFields.Proxy {
    /// A key that holds a URL.
    private struct Place {
        let key: String
        let kind: String
        /// What may be spoken to it; the first where the URL does not say.
        let schemes: [ProxyURL.Scheme]

        static let http = Place(key: "proxy.http", kind: "HTTP", schemes: [.http, .https])
        static let socks5 = Place(key: "proxy.socks5", kind: "SOCKS5", schemes: [.socks5, .socks5h])
    }

    func options(environment: [String: String], _ mistakes: inout [SettingMistake]) -> Proxy? {
        let tls = tls.options("proxy.tls", &mistakes)
        let url: ProxyURL?
        let route: Proxy.Route?
        switch (http.filled, socks5.filled) {
        case (_?, _?):
            mistakes.append(
                SettingMistake(
                    "proxy.socks5",
                    "only one proxy transport can be configured",
                    fix: "keep \"http\" or \"socks5\""
                )
            )
            (url, route) = (nil, nil)
        case (let text?, nil):
            url = Self.url(text, .http, &mistakes)
            route = url?.route
        case (nil, let text?):
            url = Self.url(text, .socks5, &mistakes)
            route = url?.route
        case (nil, nil):
            let proxies = fromEnvironment == true ? ProxyEnvironment(environment, &mistakes) : nil
            url = proxies?.proxy
            route = proxies.map { .environment($0) }
        }
        checkTLS(url, &mistakes)
        let credentials = credentials(url, &mistakes)
        checkHeaders(besideCredentials: credentials != nil, &mistakes)
        return route.map { Proxy(route: $0, credentials: credentials, headers: headers, tls: tls) }
    }

    /// Reads the URL under a key.
    private static func url(_ text: String, _ place: Place, _ mistakes: inout [SettingMistake]) -> ProxyURL? {
        func mistake(_ what: String) -> SettingMistake {
            let examples = place.schemes.map { "\($0.rawValue)://host:port" }
            return SettingMistake(place.key, what, about: .value, fix: "expected \(examples.joined(separator: " or "))")
        }
        do throws(ProxyURL.Malformed) {
            let url = try ProxyURL(
                text.firstRange(ofBytes: "://") != nil ? text : "\(place.schemes[0].rawValue)://\(text)"
            )
            if place.schemes.contains(url.scheme) { return url }
            mistakes.append(mistake(ProxyURL.Malformed.scheme(url.scheme.rawValue).words(place.kind)))
        } catch {
            let isScheme = if case .scheme = error { true } else { false }
            mistakes.append(mistake((isScheme ? "" : "\(place.key) ") + error.words(place.kind)))
        }
        return nil
    }

    private func checkTLS(_ url: ProxyURL?, _ mistakes: inout [SettingMistake]) {
        guard tls.isSet else { return }
        switch (http.filled, socks5.filled) {
        case (_, _?):
            mistakes.append(
                SettingMistake(
                    "proxy.tls",
                    "proxy TLS configuration can only be used with proxy.http or proxy.fromEnvironment",
                    fix: "remove \"tls\""
                )
            )
        case (_?, nil):
            guard url?.scheme == .http else { return }
            mistakes.append(
                SettingMistake(
                    "proxy.tls",
                    "cannot use TLS with HTTP proxy",
                    fix: "write https:// in proxy.http, or remove \"tls\""
                )
            )
        case (nil, nil):
            guard fromEnvironment != true else { return }
            mistakes.append(
                SettingMistake(
                    "proxy.tls",
                    "proxy TLS configuration requires proxy.http or proxy.fromEnvironment",
                    fix: "add proxy.http, or remove \"tls\""
                )
            )
        }
    }

    /// The keys' credentials, else those in the URL; a password alone belongs to the user in the URL.
    private func credentials(_ url: ProxyURL?, _ mistakes: inout [SettingMistake]) -> Proxy.Credentials? {
        let password = password.flatMap { $0.isBlank ? nil : $0 }
        var key = "proxy.username"
        var credentials = username.filled.map { Proxy.Credentials(username: $0, password: password ?? Secret("")) }
        if credentials == nil {
            key = http.filled != nil ? "proxy.http" : socks5.filled != nil ? "proxy.socks5" : "proxy.fromEnvironment"
            credentials = url?.credentials
            if let password {
                key = "proxy.password"
                credentials?.password = password
            }
        }
        guard let url else { return credentials }
        if let credentials {
            let problem = Proxy.problem(in: credentials, forSOCKS5: url.scheme == .socks5 || url.scheme == .socks5h)
            if let problem { mistakes.append(SettingMistake(key, "\(problem)")) }
        } else if password != nil {
            mistakes.append(SettingMistake(key, "proxy.password needs proxy.username"))
        }
        return credentials
    }

    private func checkHeaders(besideCredentials hasCredentials: Bool, _ mistakes: inout [SettingMistake]) {
        if !headers.isEmpty, socks5.filled != nil {
            mistakes.append(
                SettingMistake(
                    "proxy.headers",
                    "proxy HTTP headers cannot be used with SOCKS5 proxy",
                    fix: "remove \"headers\""
                )
            )
        }
        for problem in Proxy.problems(inHeaders: headers, besideCredentials: hasCredentials) {
            switch problem {
            case .headerName(let name), .repeatedHeader(let name):
                mistakes.append(SettingMistake("proxy.headers.\(name)", "\(problem)"))
            case .reservedHeader(let name):
                mistakes.append(SettingMistake("proxy.headers.\(name)", "\(problem)", fix: "remove it"))
            case .headerValue(let name):
                mistakes.append(SettingMistake("proxy.headers.\(name)", "\(problem)", about: .value))
            case .colonInUsername, .credentialLength: break
            }
        }
    }
}

extension ProxyEnvironment {
    private static let variables = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"]

    /// Reads the proxy variables; nil when one of them is wrong, which is a mistake of `proxy.fromEnvironment`.
    fileprivate init?(_ environment: [String: String], _ mistakes: inout [SettingMistake]) {
        func variable(_ name: String) -> (name: String, text: String)? {
            [name, name.asciiLowercased].lazy.compactMap { name in environment[name].filled.map { (name, $0) } }.first
        }
        let exceptions = variable("NO_PROXY")?.text ?? ""
        self.init(exceptions: ProxyException.list(exceptions))
        unreadableExceptions = ProxyException.unreadable(exceptions)
        guard let (name, text) = Self.variables.lazy.compactMap({ variable($0) }).first else { return }
        do throws(ProxyURL.Malformed) {
            proxy = try ProxyURL(text)
        } catch {
            mistakes.append(
                SettingMistake(
                    "proxy.fromEnvironment",
                    "environment variable \(name) \(error.words(nil))",
                    fix: "expected a URL like http://proxy.example:3128"
                )
            )
            return nil
        }
    }
}

extension ProxyURL.Malformed {
    /// What is wrong, without anything that may be a part of a password.
    fileprivate func words(_ kind: String?) -> String {
        switch self {
        case .scheme(let scheme):
            let isWord =
                scheme.utf8.count <= 16
                && scheme.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0 & 0xDF) }
            let name = isWord ? " \"\(scheme)\"" : ""
            return kind.map { "unsupported \($0) proxy scheme\(name)" } ?? "has an unsupported proxy scheme\(name)"
        case .address(.blank): return "has no host"
        case .address(.port): return "has an invalid port"
        case .address: return "has an invalid host"
        case .path, .escape, .tooLong: return description
        }
    }
}
