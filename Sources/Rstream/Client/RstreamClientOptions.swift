// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

public import RstreamModel

/// The engine of a ``RstreamClient``, its credential, and how it connects.
public struct RstreamClientOptions: Sendable {
    /// How the client authenticates (PROTOCOL.md §3).
    public enum Credential: Sendable {
        /// A bearer token.
        case token(Secret)
        /// A closure that returns a bearer token. It is called at every connect and every dial, so that tokens can be
        /// rotated without a restart. It may suspend for as long as it needs, and is cancelled with the caller.
        case tokenProvider(@Sendable () async throws(RstreamError) -> Secret)
        /// A file with a bearer token, read again at every connect. A file that other users can read is refused, unless
        /// `isSystemdCredential` says that systemd protects it.
        case tokenFile(path: String, isSystemdCredential: Bool = false)
        /// A bearer token that the client signs with an application's key at every connect.
        case application(ApplicationCredential)
        /// A client certificate and its key in PEM files, read again at every connect. A key that other users can read
        /// is refused.
        case clientCertificate(certificateFile: String, keyFile: String)
        /// A client certificate in a PEM file, and its key, which stays in a device: each handshake has the device sign.
        /// The certificate and the file with the device's PIN are read again at every connect.
        case hardwareKey(certificateFile: String, key: HardwareKey)
        /// A client certificate and its key as PEM text.
        case clientCertificatePEM(certificate: String, key: Secret)
        /// No credential, which only test engines accept.
        case none
    }

    /// How long the client waits for the engine; each more than zero.
    public struct Timeouts: Hashable, Sendable {
        /// TCP and TLS of a control channel and of a private dial; 15 s unless given.
        public var connect: Duration
        /// The engine's answer to opening a control channel, a tunnel or a dial; 30 s unless given.
        public var answer: Duration
        /// TCP and TLS of the connection for one inbound stream, which is tried twice; 10 s unless given.
        public var streamDial: Duration
        /// The engine's answer to an orderly close; 5 s unless given.
        public var close: Duration
        /// The answer of a name server that the user chose.
        var nameServer = DNSResolver.Timeouts()

        /// Makes timeouts; the official client's values unless given (PROTOCOL.md §16).
        ///
        /// - Parameters:
        ///   - connect: TCP and TLS of a control channel and of a private dial.
        ///   - answer: The engine's answer to opening a control channel, a tunnel or a dial.
        ///   - streamDial: TCP and TLS of the connection for one inbound stream.
        ///   - close: The engine's answer to an orderly close.
        public init(
            connect: Duration = .seconds(15),
            answer: Duration = .seconds(30),
            streamDial: Duration = .seconds(10),
            close: Duration = .seconds(5)
        ) {
            self.connect = connect
            self.answer = answer
            self.streamDial = streamDial
            self.close = close
        }
    }

    /// How many inbound streams one control channel opens at the same time; each further one is refused.
    public struct Limits: Hashable, Sendable {
        /// Streams that are being opened; 64 unless given.
        public var openingStreams: Int
        /// Streams that wait to be opened; 256 unless given.
        public var pendingStreams: Int

        /// Makes limits; the official client's values unless given (PROTOCOL.md §6).
        ///
        /// - Parameters:
        ///   - openingStreams: Streams that are being opened.
        ///   - pendingStreams: Streams that wait to be opened.
        public init(openingStreams: Int = 64, pendingStreams: Int = 256) {
            self.openingStreams = openingStreams
            self.pendingStreams = pendingStreams
        }
    }

    /// The engine's address, or the managed project whose engine is looked up at every connect.
    public var engine: EngineLocation
    /// How the client authenticates.
    public var credential: Credential
    /// Proxies, name resolution, local addresses, and which certificates are trusted; the system's settings unless
    /// given.
    public var transport: TransportOptions
    /// The interval of the client's heartbeats: 1 s to 300 s in whole milliseconds, or nil for none; 5 s unless given.
    /// The engine derives the liveness timeout from it (PROTOCOL.md §4).
    public var heartbeatInterval: Duration?
    /// Whether inbound streams and dials start without waiting for the engine's answer (PROTOCOL.md §7); true unless
    /// given.
    public var zeroRTT: Bool
    /// How long the client waits for the engine.
    public var timeouts: Timeouts
    /// How many inbound streams are opened at the same time.
    public var limits: Limits
    /// The program's name and version, which the engine shows; the library's own unless given.
    public var agent: AgentDetails

    /// The name and version of a program, which the engine shows. Operating system and architecture are added.
    public struct AgentDetails: Hashable, Sendable {
        /// The program's name; also in the `User-Agent` of requests to a control plane.
        public var name: String
        /// The release channel, `stable` for instance.
        public var channel: String
        /// The semantic version.
        public var version: String

        /// Names a program.
        ///
        /// - Parameters:
        ///   - name: The program's name.
        ///   - channel: The release channel.
        ///   - version: The semantic version.
        public init(name: String, channel: String, version: String) {
            self.name = name
            self.channel = channel
            self.version = version
        }

        /// This library.
        public static let library = AgentDetails(name: "rstream-swift-runtime", channel: "sdk", version: rstreamVersion)
    }

    /// Makes options; what is not given has the official clients' defaults.
    ///
    /// - Parameters:
    ///   - engine: The engine's address, or the managed project whose engine is looked up.
    ///   - credential: How the client authenticates.
    ///   - transport: Proxies, name resolution, local addresses, and which certificates are trusted.
    ///   - heartbeatInterval: 1 s to 300 s in whole milliseconds, or nil for no heartbeats. Another value is refused
    ///     when the client connects.
    ///   - zeroRTT: Whether streams and dials start without waiting for the engine's answer.
    ///   - timeouts: How long the client waits for the engine.
    ///   - limits: How many inbound streams are opened at the same time.
    ///   - agent: The program's name and version.
    public init(
        engine: EngineLocation,
        credential: Credential,
        transport: TransportOptions = TransportOptions(),
        heartbeatInterval: Duration? = .seconds(5),
        zeroRTT: Bool = true,
        timeouts: Timeouts = Timeouts(),
        limits: Limits = Limits(),
        agent: AgentDetails = .library
    ) {
        self.engine = engine
        self.credential = credential
        self.transport = transport
        self.heartbeatInterval = heartbeatInterval
        self.zeroRTT = zeroRTT
        self.timeouts = timeouts
        self.limits = limits
        self.agent = agent
    }

    /// Makes options for an engine at a known address; what is not given has the official clients' defaults.
    ///
    /// - Parameters:
    ///   - engine: The engine's address.
    ///   - credential: How the client authenticates.
    ///   - transport: Proxies, name resolution, local addresses, and which certificates are trusted.
    ///   - heartbeatInterval: 1 s to 300 s in whole milliseconds, or nil for no heartbeats. Another value is refused
    ///     when the client connects.
    ///   - zeroRTT: Whether streams and dials start without waiting for the engine's answer.
    ///   - timeouts: How long the client waits for the engine.
    ///   - limits: How many inbound streams are opened at the same time.
    ///   - agent: The program's name and version.
    public init(
        engine: EngineAddress,
        credential: Credential,
        transport: TransportOptions = TransportOptions(),
        heartbeatInterval: Duration? = .seconds(5),
        zeroRTT: Bool = true,
        timeouts: Timeouts = Timeouts(),
        limits: Limits = Limits(),
        agent: AgentDetails = .library
    ) {
        self.init(
            engine: .address(engine),
            credential: credential,
            transport: transport,
            heartbeatInterval: heartbeatInterval,
            zeroRTT: zeroRTT,
            timeouts: timeouts,
            limits: limits,
            agent: agent
        )
    }
}
