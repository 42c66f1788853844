// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamDaemonModel
internal import RstreamModel

extension ContextDefinition {
    /// The keys in which it differs from what it was under the same name. Of a secret only that it is another one.
    package func changedKeys(from before: ContextDefinition) -> [ConfigurationKey] {
        guard identity != before.identity else { return [] }
        let keys = engineKeys(before) + credential.changedKeys(from: before.credential)
        return keys + transport.changedKeys(from: before.transport)
    }

    private func engineKeys(_ before: ContextDefinition) -> [ConfigurationKey] {
        switch (engine, before.engine) {
        case (.address(let new), .address(let old)): return new == old ? [] : [.contextEngine]
        case (.project(let new), .project(let old)):
            var keys: [ConfigurationKey] = []
            if new.endpoint != old.endpoint { keys.append(.contextProjectEndpoint) }
            if new.region != old.region { keys.append(.contextRegion) }
            // Headers come from the client configuration, with the address.
            if new.apiURL != old.apiURL || new.headers != old.headers { keys.append(.contextApiUrl) }
            return keys
        case (.address, .project): return [.contextProjectEndpoint]
        case (.project, .address): return [.contextEngine]
        }
    }
}

extension ConfiguredCredential {
    fileprivate func changedKeys(from before: ConfiguredCredential) -> [ConfigurationKey] {
        guard self != before else { return [] }
        switch (self, before) {
        case (.clientCertificate(let certificate, let key), .clientCertificate(let oldCertificate, let oldKey)):
            let certificateKeys: [ConfigurationKey] =
                certificate.sameBytes(as: oldCertificate) ? [] : [.contextMtlsCertificateFile]
            return certificateKeys + (key.sameBytes(as: oldKey) ? [] : [.contextMtlsKeyFile])
        case (.hardwareKey(let certificate, let key), .hardwareKey(let oldCertificate, let oldKey)):
            var keys: [ConfigurationKey] =
                certificate.sameBytes(as: oldCertificate) ? [] : [.contextMtlsCertificateFile]
            if !key.uri.sameBytes(as: oldKey.uri) { keys.append(.contextMtlsKeyUri) }
            if Bytewise(wrappedValue: key.pinFile) != Bytewise(wrappedValue: oldKey.pinFile) {
                keys.append(.contextMtlsKeyPinFile)
            }
            return keys
        case (.token, _): return [.contextToken]
        case (.tokenFile, _): return [.contextTokenFile]
        case (.tokenCredential, _): return [.contextTokenCredential]
        case (.clientCertificate, _): return [.contextMtlsCertificateFile, .contextMtlsKeyFile]
        case (.hardwareKey(_, let key), _):
            return [.contextMtlsCertificateFile, .contextMtlsKeyUri]
                + (key.pinFile == nil ? [] : [.contextMtlsKeyPinFile])
        case (.clientCertificatePEM, _): return [.contextExternal]
        case (.none, _): return [.contextNoToken]
        }
    }
}

extension TransportOptions {
    fileprivate func changedKeys(from before: TransportOptions) -> [ConfigurationKey] {
        var keys: [ConfigurationKey] = []
        func compare(_ key: ConfigurationKey, _ isEqual: Bool) { if !isEqual { keys.append(key) } }
        if bind != before.bind {
            switch bind {
            case .address: keys.append(.transportBindAddress)
            case .interface: keys.append(.transportBindInterface)
            case nil: keys.append(.transportBindMode)
            }
        }
        compare(.transportIpFamily, ipFamily == before.ipFamily)
        compare(.transportMptcp, multipath == before.multipath)
        compare(.transportDnsOverride, dns?.server == before.dns?.server)
        compare(.transportDnsServerName, dns?.tlsServerName == before.dns?.tlsServerName)
        compare(.transportTlsCaFile, tls.caFile == before.tls.caFile)
        compare(.transportTlsServerName, tls.serverName == before.tls.serverName)
        compare(.transportTlsInsecureSkipVerify, tls.insecureSkipVerify == before.tls.insecureSkipVerify)
        let (now, old) = (proxy, before.proxy)
        if now?.route != old?.route {
            switch now?.route ?? old?.route {
            case .socks5: keys.append(.transportProxySocks5)
            case .environment: keys.append(.transportProxyFromEnvironment)
            case .http, .https, nil: keys.append(.transportProxyHttp)
            }
        }
        compare(.transportProxyUsername, now?.credentials?.username == old?.credentials?.username)
        compare(.transportProxyPassword, now?.credentials?.password == old?.credentials?.password)
        compare(.transportProxyHeaders, now?.headers == old?.headers)
        compare(.transportProxyTlsCaFile, now?.tls.caFile == old?.tls.caFile)
        compare(.transportProxyTlsServerName, now?.tls.serverName == old?.tls.serverName)
        let isChecked = now?.tls.insecureSkipVerify == old?.tls.insecureSkipVerify
        compare(.transportProxyTlsInsecureSkipVerify, isChecked)
        compare(.transportRedirects, redirects == before.redirects)
        compare(.transportPrewarmMode, prewarming.mode == before.prewarming.mode)
        compare(.transportPrewarmMaximum, prewarming.maximum == before.prewarming.maximum)
        compare(.transportPrewarmMaxAge, prewarming.maxAge == before.prewarming.maxAge)
        return keys
    }
}
