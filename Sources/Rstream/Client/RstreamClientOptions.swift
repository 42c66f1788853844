public import RstreamModel

/// Everything a ``RstreamClient`` has to know about its engine.
public struct RstreamClientOptions: Sendable {
    /// How the client proves who it is (PROTOCOL.md §3).
    public enum Credential: Sendable {
        /// A bearer token.
        case token(Secret)
        /// A bearer token that is asked for at every connect, so that it can be rotated without a restart. Whoever
        /// provides it may take its time, and is cancelled with the caller.
        case tokenProvider(@Sendable () async throws(RstreamError) -> Secret)
        /// A file that holds a bearer token and is read again at every connect. One that other users can read is
        /// refused, unless systemd keeps it.
        case tokenFile(path: String, isSystemdCredential: Bool = false)
        /// A bearer token that is signed by an application's own key at every connect.
        case application(ApplicationCredential)
        /// A client certificate and its key, PEM files that are read again at every connect. A key that other users
        /// can read is refused.
        case clientCertificate(certificateFile: String, keyFile: String)
        /// A client certificate and its key, PEM texts.
        case clientCertificatePEM(certificate: String, key: Secret)
        /// None, as a test engine may allow.
        case none
    }

    /// How long the client waits for others.
    public struct Timeouts: Hashable, Sendable {
        /// TCP and TLS of the control channel and of a private dial; 15 s unless given.
        public var connect: Duration
        /// An answer of the engine: opening, tunnels, dials; 30 s unless given.
        public var answer: Duration
        /// TCP and TLS of the connection for one inbound stream, tried twice; 10 s unless given.
        public var streamDial: Duration
        /// The engine's answer to an orderly close; 5 s unless given.
        public var close: Duration

        /// The official client's values unless given (PROTOCOL.md §16).
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

    /// How many inbound streams one control channel takes at a time; more are refused one by one.
    public struct Limits: Hashable, Sendable {
        /// Handshakes that run at the same time; 64 unless given.
        public var openingStreams: Int
        /// Requests that wait for one; 256 unless given.
        public var pendingStreams: Int

        /// The official client's values unless given (PROTOCOL.md §6).
        public init(openingStreams: Int = 64, pendingStreams: Int = 256) {
            self.openingStreams = openingStreams
            self.pendingStreams = pendingStreams
        }
    }

    /// Where the engine listens, or how that is found out at every connect.
    public var engine: EngineLocation
    /// How the client proves who it is.
    public var credential: Credential
    /// How connections to the engine are made and how it proves who it is; the system's ways unless given.
    public var transport: TransportOptions
    /// How often the client says that it is alive: 1 s to 300 s, whole milliseconds; nil for never.
    public var heartbeatInterval: Duration?
    /// Whether inbound streams and dials go without waiting for the engine's answer (PROTOCOL.md §7).
    public var zeroRTT: Bool
    /// How long the client waits for others.
    public var timeouts: Timeouts
    /// How many inbound streams are taken at a time.
    public var limits: Limits
    /// The program's name and version as the engine shows them; operating system and architecture are filled in.
    public var agent: AgentDetails

    /// The program's name and version as the engine shows them.
    public struct AgentDetails: Hashable, Sendable {
        /// Program name.
        public var name: String
        /// Release channel.
        public var channel: String
        /// Semantic version.
        public var version: String

        /// Names a program.
        public init(name: String, channel: String, version: String) {
            self.name = name
            self.channel = channel
            self.version = version
        }

        /// This library.
        public static let library = AgentDetails(name: "rstream-swift-runtime", channel: "sdk", version: rstreamVersion)
    }

    /// An engine and a credential; everything else has the official clients' defaults.
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

    /// The same for an engine whose address is known.
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
