// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel

extension ConfigurationKey {
    /// What it is, in one line for an editor; rstreamd.yaml(5) says more.
    var summary: String {
        switch self {
        case .version: "The version of the file's format; 1 is the only one."
        case .include: "Tunnel files, relative to this file; * and ? may stand in the last part of a path."
        case .clientConfig: "The official tools' client configuration, for contexts with external: true."
        case .defaultContext: "The context of tunnels and listeners that name none."
        case .watch: "Whether to reload also when a file changes."
        case .adminSocket: "The socket's path, or none for a daemon without one."
        case .adminGroup: "Who may use the socket besides root and the daemon's user."
        case .adminMode: "The socket's permissions, in octal and quoted."
        case .adminReadGroup: "Who may read over the socket, and change nothing."
        case .metricsListen: "Where /metrics and health are served: an address and a port, or unix:/path."
        case .pageListen: "Where the page for browsers is served: an address and a port, or unix:/path."
        case .pageHosts: "Names by which browsers reach the page, beside localhost, this host's name and addresses."
        case .logLevel: "The least important level that is logged."
        case .logFormat: "How lines look; auto is journal under systemd, text on a terminal, json otherwise."
        case .logStreams: "Whether every stream's end is a line at info, as in an access log, and not at debug."
        case .drainTimeout: "How long accepted streams may last once they were asked to end."
        case .upgradeDrain: "How long streams may last in a process that another one has taken over from."
        case .reloadChanged: "What a reload does to the streams of a tunnel or listener that it changes or removes."
        case .reconnectMinimum: "The longest wait before the first retry; it doubles with each further attempt."
        case .reconnectMaximum: "The longest wait before any retry."
        case .reconnectRejected: "The wait after a refusal that an immediate retry cannot fix."
        case .canaryInterval: "How often a session sends a stream of its own to the engine and back; never by default."
        case .limitsStreams: "How many streams the daemon may have at once; 0 derives it from the system's limits."
        case .limitsPendingStreams: "How many streams of a session may wait for their handshakes."
        case .limitsOpeningStreams: "How many streams of a session may be in their handshakes at once."
        case .limitsUnixUpstreams: "Directories whose Unix sockets may be upstreams, whatever user owns them."
        case .tunnelOwners: "Users who may own tunnel files besides root and the daemon's user."
        case .debugCoreDumps: "Whether core dumps may be written, which contain no memory."
        case .contextName: "A context by its name."
        case .contextEngine: "The engine: host or host:port; port 443 unless given."
        case .contextProjectEndpoint: "A project of the managed service, instead of engine; it needs a token."
        case .contextRegion: "One of the project's regions; auto is its own."
        case .contextApiUrl: "The URL of the control plane that knows the project's engine."
        case .contextToken: "The token itself, which every user who can read the file can read."
        case .contextTokenFile: "A file with the token, read at every connect."
        case .contextTokenCredential: "The name of a systemd credential with the token."
        case .contextMtlsCertificateFile: "PEM file of the client certificate."
        case .contextMtlsKeyFile: "PEM file of the certificate's key, not encrypted; or keyUri."
        case .contextMtlsKeyUri: "The key in a device, instead of keyFile: pkcs11:, handle: or file: of a TPM."
        case .contextMtlsKeyPinFile: "A file with the device's PIN, read at every connect."
        case .contextNoToken: "true: no credential, for a test engine."
        case .contextExternal: "true: takes the context from the client configuration."
        case .contextExternalName: "The context's name in the client configuration, if it is another one."
        case .transportMode: "What is spoken to the engine; both are TLS."
        case .transportUseQuic: "Must not be true: QUIC is not supported."
        case .transportBindMode: "Whether connections start at an address or an interface."
        case .transportBindAddress: "An address of this host."
        case .transportBindInterface: "An interface of this host, with mode: interface."
        case .transportIpFamily: "The only address family to dial; both unless given."
        case .transportMptcp: "Multipath TCP, if the kernel supports it."
        case .transportDnsOverride: "The name server's address, and perhaps its port."
        case .transportDnsTls: "Whether to query it over TLS."
        case .transportDnsServerName: "The name in the name server's certificate."
        case .transportDnsDnssec: "Must not be true: DNSSEC is not supported."
        case .transportTlsCaFile: "PEM file of authorities to trust besides the system's."
        case .transportTlsServerName: "The name that the engine's certificate must have."
        case .transportTlsInsecureSkipVerify: "For tests only: with true, any host can pose as the engine."
        case .transportProxyHttp: "An HTTP proxy: http:// or https://, host and port."
        case .transportProxySocks5: "A SOCKS5 proxy: socks5:// or socks5h://, host and port."
        case .transportProxyUsername: "The daemon's user name at the proxy."
        case .transportProxyPassword: "The daemon's password at the proxy."
        case .transportProxyHeaders: "Headers that are sent with CONNECT."
        case .transportProxyFromEnvironment: "true: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY of the daemon."
        case .transportProxyTlsCaFile: "PEM file of authorities to trust at the proxy besides the system's."
        case .transportProxyTlsServerName: "The name that the proxy's certificate must have."
        case .transportProxyTlsInsecureSkipVerify: "For tests only: with true, any host can pose as the proxy."
        case .transportPrewarmMode: "What decides how many connections are kept ready for streams."
        case .transportPrewarmMaximum: "The most connections that are kept ready."
        case .transportPrewarmMaxAge: "How long the engine may hear nothing on a connection that is kept ready."
        case .transportRedirects: "Where the engine may redirect the daemon for a stream."
        case .tunnelName: "The tunnel's name, unique over all files."
        case .tunnelEnabled: "false: checked, but not opened."
        case .tunnelForward: "Where streams go: a port, host:port, [ipv6]:port, unix:/path or unix:@name."
        case .targetForward: "A service: a port, host:port, [ipv6]:port, unix:/path or unix:@name."
        case .targetWeight: "How many streams it gets in proportion to the others."
        case .targetBackup: "true: it gets streams only while no other can be used."
        case .upstreamConnectTimeout: "How long connecting to the service may take, all upstreams together."
        case .upstreamHoldTimeout:
            "How long a stream may wait for a service that refuses or is missing; 0s: not at all."
        case .upstreamProxyProtocol: "Whether the PROXY protocol tells the service the visitor's address."
        case .upstreamIdleTimeout: "Cuts a stream after this time without a byte; 0s: never."
        case .upstreamBalance: "How a stream's upstream is chosen where there are several."
        case .healthInterval: "From one check of an upstream to the next."
        case .healthTimeout: "How long a check may take."
        case .healthRise: "Checks in a row that must succeed until an unhealthy upstream is healthy."
        case .healthFall: "Checks in a row that must fail until a healthy upstream is unhealthy."
        case .healthTcp: "true: a check connects, and that is all."
        case .healthHttpPath: "What a check gets by HTTP/1.1."
        case .healthHttpHost: "The Host of a check's request."
        case .healthHttpStatus: "The status of a healthy upstream, or a range like 200-399."
        case .healthOnUnhealthy: "What becomes of the tunnel while no upstream is healthy."
        case .upstreamTlsServerName: "The name that the service's certificate must have."
        case .upstreamTlsCaFile: "PEM file of authorities to trust besides the system's."
        case .upstreamTlsInsecureSkipVerify: "For tests only: with true, any program can pose as the service."
        case .upstreamTlsCertificateFile: "PEM file of the certificate that the daemon shows the service."
        case .upstreamTlsKeyFile: "PEM file of that certificate's key, not encrypted; or keyUri."
        case .upstreamTlsKeyUri: "That key in a device, instead of keyFile: pkcs11:, handle: or file: of a TPM."
        case .upstreamTlsKeyPinFile: "A file with the device's PIN, read again when it changes."
        case .tunnelStreams: "How many streams the tunnel may have at once; 0: no limit of its own."
        case .tunnelDisposition: "What a reload that changes or removes the tunnel does to its streams."
        case .tunnelInspect: "true: the latest requests of an http tunnel are kept in memory, to be looked at."
        case .tunnelContext: "The name of a context, or a context without one."
        case .specPublish: "Whether visitors outside of the project reach the tunnel."
        case .specProtocol: "What visitors speak."
        case .specType: "What the tunnel carries."
        case .specHost: "The published name; without it one is generated."
        case .specPort: "The published port of a tcp tunnel."
        case .specAllowCrossRegionRouting: "Whether another region may serve the tunnel."
        case .specUpstreamTLS: "Whether the engine speaks TLS to the service."
        case .specDatagramGuaranteedDelivery: "Only for datagram tunnels, which are not supported."
        case .specTrustedIPs: "Networks whose visitors are let in, like 192.0.2.0/24."
        case .specGeoip: "Countries whose visitors are let in: two letters of ISO 3166-1 each."
        case .specLabels: "Keys and values of your choice."
        case .specHttpVersion: "The HTTP version that the service is spoken to in."
        case .specHttpAuthToken: "Whether visitors need a token."
        case .specHttpAuthRstream: "Whether visitors need an rstream login."
        case .specHttpGateChallenge: "Whether browsers have to pass a challenge."
        case .specHttpUpstreamTLS: "The older place of upstreamTLS."
        case .specHttpTokenAuth: "Another name of auth.token."
        case .specTlsMode: "Where the visitor's TLS ends; passthrough: at the service."
        case .specTlsMinVersion: "The oldest TLS version that visitors may use."
        case .specTlsAlpns: "The protocols that visitors are offered."
        case .specTlsCiphers: "The cipher suites that visitors are offered."
        case .specTlsMtls: "Whether visitors need a client certificate."
        case .listenerName: "The listener's name, unique over all files."
        case .listenerListen: "An address and a port, or unix:/path."
        case .listenerDial: "Id or name of the private tunnel."
        case .listenerContext: "The name of a context, or a context without one."
        case .listenerDialTimeout: "How long one dial may take, from the connection to the engine to its answer."
        case .listenerStreams: "How many streams the listener may have at once; 0: no limit of its own."
        case .listenerMode: "The permissions of a Unix socket, in octal and quoted."
        case .listenerGroup: "The group of a Unix socket."
        }
    }

    /// What the mapping or list at a place is, in one line for an editor.
    static func summary(of place: String) -> String? { summaries[place] }

    private static let summaries = [
        "contexts": "Engines and credentials for them, by name.",
        "contexts.mtls": "A client certificate, read at every connect.",
        "contexts.transport": "The path to the engine.",
        "contexts.transport.bind": "The local end of connections.",
        "contexts.transport.dns": "A name server to use instead of the system's.",
        "contexts.transport.tls": "How the engine proves who it is.",
        "contexts.transport.proxy": "A proxy between this host and the engine.",
        "contexts.transport.prewarm": "Connections that are made before a stream needs them.",
        "contexts.transport.proxy.tls": "How an https:// proxy proves who it is.",
        "tunnels": "What to publish.",
        "tunnels.upstreams": "Services that share the tunnel's streams, in the place of forward.",
        "tunnels.upstream": "How streams reach the service.",
        "tunnels.upstream.health": "How services are checked when no stream tells how they are.",
        "tunnels.upstream.health.http": "A check by an HTTP request.",
        "tunnels.upstream.tls": "TLS from the daemon to the service; it may be {}.",
        "tunnels.limits": "How much the tunnel takes on at once.",
        "tunnels.reload": "What a reload does to the tunnel.",
        "tunnels.tunnel": "What the engine is asked for; it may be {}.",
        "tunnels.tunnel.http": "HTTP at the engine.",
        "tunnels.tunnel.http.auth": "Who may visit.",
        "tunnels.tunnel.http.gate": "What keeps robots out.",
        "tunnels.tunnel.tls": "TLS at the engine.",
        "listeners": "Local ports and sockets that lead to private tunnels.",
        "listeners.limits": "How much the listener takes on at once.",
        "admin": "The socket for rstreamctl.",
        "metrics": "Where metrics are served besides the admin socket.",
        "page": "A page for browsers that shows what the daemon does.",
        "log": "What is logged, and how.",
        "drain": "How streams end.",
        "upgrade": "How another program takes over.",
        "reload": "What a reload does.",
        "reconnect": "When to dial an engine again.",
        "canary": "Streams of the daemon's own through the engine and back.",
        "limits": "How much the daemon takes on at once.",
        "debug": "Settings for debugging the daemon.",
    ]
}
