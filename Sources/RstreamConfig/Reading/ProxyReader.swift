import RstreamModel
import YAML

/// Reads `transport.proxy` (CONFIG.md §7) with the official tool's words for what goes wrong (§8). No complaint repeats
/// a value: passwords stand in URLs, in headers and, by mistake, anywhere.
struct ProxyReader {
    let file: SourceFile
    let environment: [String: String]

    static let keys = ["http", "socks5", "username", "password", "headers", "fromEnvironment", "tls"]
    private static let misplaced = ["caFile": "tls", "serverName": "tls", "insecureSkipVerify": "tls"]
    /// Headers that frame or address the request itself.
    private static let reserved: Set<String> = ["connection", "content-length", "host", "transfer-encoding"]

    func read(_ transport: Section, _ report: inout Report) -> Proxy? {
        guard let section = transport.section("proxy", keys: Self.keys, misplaced: Self.misplaced, &report) else {
            return nil
        }
        let complaints = report.errorCount
        let choice = choice(section, &report)
        let tls = section.peerTLS(&report)
        let headers = headers(section, &report)
        let username = section.text("username", &report).flatMap { $0.value.isEmpty ? nil : $0.value }
        let password = section.secret("password", &report)
        // Rules about how settings go together say nothing new about a setting that is wrong by itself.
        guard report.errorCount == complaints else { return nil }
        guard let choice else {
            if tls != nil {
                report.error(
                    "proxy TLS configuration requires proxy.http or proxy.fromEnvironment",
                    hint: "add proxy.http, or remove \"tls\"",
                    at: section.keySpan("tls"),
                    in: file
                )
            }
            for key in ["username", "password", "headers"] where section.node(key) != nil {
                report.warning("\"\(key)\" says nothing without a proxy", at: section.keySpan(key), in: file)
            }
            return nil
        }
        check(choice.route, hasTLS: tls != nil, hasHeaders: !headers.isEmpty, section, &report)
        let user = username ?? choice.credentials?.username
        if password != nil, user == nil {
            report.error("proxy.password needs proxy.username", at: section.keySpan("password"), in: file)
        }
        return Proxy(
            route: choice.route,
            credentials: user.map {
                Proxy.Credentials(username: $0, password: password ?? choice.credentials?.password ?? Secret(""))
            },
            headers: headers,
            tls: tls ?? TransportOptions.TLS()
        )
    }

    private func check(
        _ route: Proxy.Route,
        hasTLS: Bool,
        hasHeaders: Bool,
        _ section: Section,
        _ report: inout Report
    ) {
        switch route {
        case .https, .environment: break
        case .http:
            if hasTLS {
                report.error(
                    "cannot use TLS with HTTP proxy",
                    hint: "write https:// in proxy.http, or remove \"tls\"",
                    at: section.keySpan("tls"),
                    in: file
                )
            }
        case .socks5:
            if hasTLS {
                report.error(
                    "proxy TLS configuration can only be used with proxy.http or proxy.fromEnvironment",
                    hint: "remove \"tls\"",
                    at: section.keySpan("tls"),
                    in: file
                )
            }
            if hasHeaders {
                report.error(
                    "proxy HTTP headers cannot be used with SOCKS5 proxy",
                    hint: "remove \"headers\"",
                    at: section.keySpan("headers"),
                    in: file
                )
            }
        }
    }

    /// The proxy and what its own text says of the user.
    private struct Choice {
        let route: Proxy.Route
        let credentials: Proxy.Credentials?
    }

    private func choice(_ section: Section, _ report: inout Report) -> Choice? {
        let http = section.text("http", &report).flatMap { $0.value.isEmpty ? nil : $0 }
        let socks5 = section.text("socks5", &report).flatMap { $0.value.isEmpty ? nil : $0 }
        let isFromEnvironment = section.boolean("fromEnvironment", &report) ?? false
        if http != nil, socks5 != nil {
            report.error(
                "only one proxy transport can be configured",
                hint: "keep \"http\" or \"socks5\"",
                at: section.keySpan("socks5"),
                in: file
            )
            return nil
        }
        guard let text = http ?? socks5 else {
            guard isFromEnvironment else { return nil }
            return Choice(route: .environment(proxyEnvironment(section, &report)), credentials: nil)
        }
        if isFromEnvironment {
            report.warning(
                "\"fromEnvironment\" says nothing beside a proxy",
                hint: "remove one of them",
                at: section.keySpan("fromEnvironment"),
                in: file
            )
        }
        let url =
            http == nil
            ? proxy(text, key: "socks5", of: "SOCKS5", [.socks5, .socks5h], &report)
            : proxy(text, key: "http", of: "HTTP", [.http, .https], &report)
        return url.map { Choice(route: $0.route, credentials: $0.credentials) }
    }

    /// Reads the URL under a key; one without a scheme is of the first of `schemes`.
    private func proxy(
        _ text: Located<String>,
        key: String,
        of kind: String,
        _ schemes: [ProxyURL.Scheme],
        _ report: inout Report
    ) -> ProxyURL? {
        let hint = "expected \(schemes.map { "\($0.rawValue)://host:port" }.joined(separator: " or "))"
        let prefix = text.value.contains("://") ? "" : "\(schemes[0].rawValue)://"
        do throws(ProxyURL.Malformed) {
            let url = try ProxyURL(prefix + text.value)
            if schemes.contains(url.scheme) { return url }
            let unsupported = ProxyURL.Malformed.scheme(url.scheme.rawValue).words(kind)
            report.error("proxy.\(key): \(unsupported)", hint: hint, at: text.span, in: file)
        } catch {
            report.error("proxy.\(key): \(error.words(kind))", hint: hint, at: text.span, in: file)
        }
        return nil
    }

    private func proxyEnvironment(_ section: Section, _ report: inout Report) -> ProxyEnvironment {
        var found = ProxyEnvironment(exceptions: ProxyException.list(variable("NO_PROXY")?.value ?? ""))
        let variables = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"]
        guard let (name, value) = variables.lazy.compactMap({ variable($0) }).first else { return found }
        do throws(ProxyURL.Malformed) {
            found.proxy = try ProxyURL(value)
        } catch {
            report.error(
                "environment variable \(name): \(error.words(""))",
                hint: "expected a URL like http://proxy.example:3128",
                at: section.keySpan("fromEnvironment"),
                in: file
            )
        }
        return found
    }

    /// A variable that says something, by its name in capitals or in small letters.
    private func variable(_ name: String) -> (name: String, value: String)? {
        [name, name.lowercased()].lazy.compactMap { name in
            environment[name].flatMap { $0.trimmed.isEmpty ? nil : (name, $0) }
        }.first
    }
}

extension ProxyReader {
    private func headers(_ section: Section, _ report: inout Report) -> [String: String] {
        guard let node = section.node("headers") else { return [:] }
        guard case .mapping(let pairs) = node.content else {
            report.error("\"headers\" must be a mapping of keys", at: node.headSpan, in: file)
            return [:]
        }
        var headers: [String: String] = [:]
        var names: Set<String> = []
        for pair in pairs {
            let name = pair.key.shortened
            if !Self.isToken(pair.key) {
                report.error("invalid proxy header name \"\(name)\"", at: pair.keySpan, in: file)
            } else if Self.reserved.contains(pair.key.lowercased()) {
                report.error("reserved proxy header \"\(name)\"", hint: "remove it", at: pair.keySpan, in: file)
            } else if !names.insert(pair.key.lowercased()).inserted {
                report.error("duplicate proxy header \"\(name)\"", at: pair.keySpan, in: file)
            } else if let text = Section.text(pair.value, named: "header \"\(name)\"", in: file, &report) {
                headers[pair.key] = text.value
            }
        }
        return headers
    }

    /// RFC 9110's token, which is what a header's name is.
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.unicodeScalars.allSatisfy { scalar in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9": true
                default: "!#$%&'*+-.^_`|~".unicodeScalars.contains(scalar)
                }
            }
    }
}

extension ProxyURL.Malformed {
    /// What is wrong, in the official tool's words and without anything that may be a part of a password.
    fileprivate func words(_ kind: String) -> String {
        switch self {
        case .scheme(let scheme):
            let isWord = scheme.count <= 16 && scheme.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
            return "unsupported \(kind.isEmpty ? "" : kind + " ")proxy scheme\(isWord ? " \"\(scheme)\"" : "")"
        case .address(.blank): return "has no host"
        case .address(.port): return "has an invalid port"
        case .address: return "has an invalid host"
        case .path, .escape: return description
        }
    }
}
