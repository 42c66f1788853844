extension Proxy {
    /// Everything that a proxy is told and nobody else may know: the password, alone and as it is sent with the user's
    /// name, and the values of headers.
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
