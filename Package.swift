// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import PackageDescription

/// The programs that we ship are built with exactly the versions below, so that one commit is one set of bytes: the
/// Makefile and the gate set this variable. A program that uses the library takes any later version with the same major
/// one, so that it can agree on one with its other packages.
let isExact = Context.environment["RSTREAM_EXACT"] != nil

/// A package of which these programs are built with `version`.
func dependency(_ url: String, _ version: Version) -> Package.Dependency {
    isExact ? .package(url: url, exact: version) : .package(url: url, from: version)
}

/// What the targets of the fuzzer read with.
let fuzzed: [Target.Dependency] = [
    "DevEngine",
    "DockerTunnels",
    "GuardedJSON",
    "Linux",
    "Rstream",
    "RstreamAdmin",
    "RstreamConfig",
    "RstreamCore",
    "RstreamDaemon",
    "RstreamDaemonModel",
    "RstreamModel",
    "RstreamRelay",
    "RstreamWire",
    "Systemd",
    "YAML",
    .product(name: "Crypto", package: "swift-crypto"),
    .product(name: "Logging", package: "swift-log"),
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOEmbedded", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
    .product(name: "NIOTLS", package: "swift-nio"),
    .product(name: "SwiftASN1", package: "swift-asn1"),
    .product(name: "X509", package: "swift-certificates"),
    .target(name: "EngineTLS", condition: .when(traits: ["EngineTLS"])),
]

let package = Package(
    name: "rstreamd",
    products: [
        .library(name: "Rstream", targets: ["Rstream"]),
        .executable(name: "rstreamd", targets: ["rstreamd"]),
        .executable(name: "rstreamctl", targets: ["rstreamctl"]),
        .executable(name: "rstream-dev-engine", targets: ["rstream-dev-engine"]),
        .executable(name: "rstreamd-docker", targets: ["rstreamd-docker"]),
    ],
    traits: [
        // Reading the official tools' configuration file, which needs libyaml. A program that only uses the library's own
        // options turns it off with `traits: []` where it names this package; RstreamClient.fromEnvironment is not there
        // then. The daemon, rstreamctl and their modules need it.
        .trait(name: "ConfigurationFiles", description: "RstreamClient.fromEnvironment, with libyaml"),
        // TLS to engines by a handler of our own instead of NIOSSL's: less CPU and memory for each stream. It calls the
        // BoringSSL inside of swift-nio-ssl, which is no product of that package and may change with any version, so only
        // builds with exact versions have it by default.
        .trait(
            name: "EngineTLS",
            description: "TLS to engines that resumes sessions; for one version of swift-nio-ssl"
        ),
        .default(enabledTraits: isExact ? ["ConfigurationFiles", "EngineTLS"] : ["ConfigurationFiles"]),
    ],
    dependencies: [
        // Event loops, channels and byte buffers under every socket.
        dependency("https://github.com/apple/swift-nio.git", "2.101.2"),
        // HTTP/2 at the dev engine's edge. No program that serves in earnest has it, so its version may vary.
        .package(url: "https://github.com/apple/swift-nio-http2.git", from: "1.38.0"),
        // TLS to the engine: less CPU per byte and per handshake than the system's OpenSSL 3.0.
        dependency("https://github.com/apple/swift-nio-ssl.git", "2.37.6"),
        // The wire's messages; generated code is committed, the compiler plugin is not used.
        dependency("https://github.com/apple/swift-protobuf.git", "1.39.0"),
        // The logging interface that library users plug their own handler into.
        dependency("https://github.com/apple/swift-log.git", "1.16.2"),
        // One tree of services, and signals turned into a graceful shutdown. The library's session is such a service.
        dependency("https://github.com/swift-server/swift-service-lifecycle.git", "2.13.0"),
        // Command lines of the executables.
        dependency("https://github.com/apple/swift-argument-parser.git", "1.8.2"),
        // Deques and ordered dictionaries for queues that keep the order of arrival.
        dependency("https://github.com/apple/swift-collections.git", "1.6.0"),
        // Tokens that applications sign, and in the dev engine and the tests HS256 tokens and SHA-256.
        dependency("https://github.com/apple/swift-crypto.git", "4.5.2"),
        // The dev engine's own certificate authority, and the DER it is written in.
        dependency("https://github.com/apple/swift-certificates.git", "1.21.1"),
        dependency("https://github.com/apple/swift-asn1.git", "1.7.4"),
    ],
    targets: [
        // The types that every module shares: names, addresses, tunnel specifications, transport options, secrets,
        // errors. Values only: nothing here opens, dials or logs, and nothing else is imported. Users of the library
        // see the public ones.
        .target(name: "RstreamModel"),

        // Decodes JSON from outside: size, encoding, depth and combining marks are checked on the bytes before
        // Foundation's decoder, which ends the process at its own limit, sees them.
        .target(name: "GuardedJSON"),

        // The types that the daemon, its relay, its configuration and rstreamctl share, and that users of the library
        // do not need: configuration keys and what their change does, upstream addresses, listener options, outcomes
        // of streams.
        .target(name: "RstreamDaemonModel", dependencies: ["RstreamModel"]),

        // Frames and messages of the engine's protocol: a buffer in, a message out, and back, with a limit for
        // everything that a peer can send. The generated protobuf code is used here and nowhere else.
        .target(
            name: "RstreamWire",
            dependencies: [
                "RstreamModel",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            exclude: ["Generated/rstream.proto"]
        ),

        // State machines and policies: control channel, tunnels, streams, liveness, backoff, proxies. Time and
        // randomness are arguments and every effect is a returned action, so there is no socket, clock, task, lock or
        // logger here.
        .target(
            name: "RstreamCore",
            dependencies: [
                "RstreamModel",
                "RstreamWire",
                .product(name: "DequeModule", package: "swift-collections"),
            ]
        ),

        // How connections end (in order, or at once with a reset), how listening sockets are bound and closed, and
        // Unix sockets whose owner and permissions are checked through descriptors.
        .target(
            name: "RstreamSocket",
            dependencies: [
                "Linux",
                "RstreamModel",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),

        // TLS to engines: TLS 1.3 as a client, on the BoringSSL of swift-nio-ssl. Who is trusted is decided by a judge that
        // the library brings. NIOSSL, in the library, is the other implementation and does everything else.
        .target(
            name: "EngineTLS",
            dependencies: [
                "Linux",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
            ],
            swiftSettings: [.strictMemorySafety()]
        ),

        // Signatures by keys that stay in a device, such as a TPM or a smart card, through the system's OpenSSL and its
        // providers. It is loaded at the first use and linked with nothing; TLS itself stays with swift-nio-ssl.
        .target(name: "COpenSSL"),

        // The public library: client, control channel, tunnels, accepted streams, private dial, a session that reconnects.
        .target(
            name: "Rstream",
            dependencies: [
                "COpenSSL",
                "ClientConfiguration",
                "GuardedJSON",
                "Linux",
                "RstreamCore",
                "RstreamModel",
                "RstreamSocket",
                "RstreamWire",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .target(name: "EngineTLS", condition: .when(traits: ["EngineTLS"])),
            ]
        ),

        // Copies bytes between a stream and a local upstream: dial, hold, PROXY protocol, back pressure, half-close,
        // idle timeout. Also the listeners that dial private tunnels, and the counters of both.
        .target(
            name: "RstreamRelay",
            dependencies: [
                "Linux",
                "Rstream",
                "RstreamCore",
                "RstreamDaemonModel",
                "RstreamModel",
                "RstreamSocket",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),

        .systemLibrary(
            name: "CYAML",
            pkgConfig: "yaml-0.1",
            providers: [.apt(["libyaml-dev"])]
        ),
        // The only Swift code that calls libyaml. It turns a text into a tree of nodes with positions, resolves
        // anchors, aliases and merge keys, and limits everything that a text can make grow.
        .target(name: "YAML", dependencies: ["CYAML", "RstreamModel"], swiftSettings: [.strictMemorySafety()]),

        // What the official tools read: their configuration file, their environment variables and a program's own
        // options become an engine, a credential and a transport, or every mistake at once. It opens no file but is
        // given the bytes. Without the trait it only does what needs no file: transports, control plane URLs, tokens' claims.
        .target(
            name: "ClientConfiguration",
            dependencies: [
                "GuardedJSON",
                "RstreamModel",
                .target(name: "YAML", condition: .when(traits: ["ConfigurationFiles"])),
            ]
        ),

        // Reads rstreamd.yaml and the tunnel files that it includes into checked values, or reports every mistake with
        // file, line and column. It decides which files are trusted, expands variables and hides secrets in what it
        // reports. The table of keys that it reads by is also their JSON Schema.
        .target(
            name: "RstreamConfig",
            dependencies: ["ClientConfiguration", "Linux", "RstreamDaemonModel", "RstreamModel", "YAML"]
        ),

        .systemLibrary(
            name: "CSystemd",
            pkgConfig: "libsystemd",
            providers: [.apt(["libsystemd-dev"])]
        ),
        // The only Swift code that calls libsystemd: readiness and watchdog messages, sockets from socket activation,
        // and entries in the journal's native protocol.
        .target(
            name: "Systemd",
            dependencies: ["CSystemd", "Linux", "RstreamModel"],
            swiftSettings: [.strictMemorySafety()]
        ),

        // C headers that Swift's Glibc module leaves out, and the signal handler, which must be C: a handler may only
        // do what is safe in the middle of anything.
        .target(name: "CLinux"),
        // Code that runs before the first line of Swift: it hands the command line's arguments to Swift's runtime and
        // opens missing standard streams. The executables link it; no Swift file imports it.
        .target(name: "CStart"),
        // What the kernel and glibc offer beyond Swift's Glibc module: files whose whole path is checked, users and
        // groups, inotify, netlink, terminals, limits, memory for secrets, and the threads that blocking calls run on.
        .target(name: "Linux", dependencies: ["CLinux", "RstreamModel"], swiftSettings: [.strictMemorySafety()]),

        // The contract of the admin socket, shared by the daemon and rstreamctl: routes, request and reply types, the
        // OpenAPI document, and the client.
        .target(
            name: "RstreamAdmin",
            dependencies: [
                "GuardedJSON",
                "Linux",
                "RstreamDaemonModel",
                "RstreamModel",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            // A constant of the program: no file has to be installed.
            resources: [.embedInCode("openapi.json")]
        ),

        // The daemon's services and their wiring: sessions, tunnels, listeners, reload, admin socket, metrics, health,
        // logging, state files. It decides with RstreamCore and pure plans of its own, and runs the result.
        .target(
            name: "RstreamDaemon",
            dependencies: [
                "GuardedJSON",
                "Linux",
                "Rstream",
                "RstreamAdmin",
                "RstreamConfig",
                "RstreamCore",
                "RstreamDaemonModel",
                "RstreamModel",
                "RstreamRelay",
                "RstreamSocket",
                "Systemd",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            // The page for browsers, as constants of the program.
            resources: [
                .embedInCode("Page/config.html"), .embedInCode("Page/page.css"), .embedInCode("Page/page.html"),
                .embedInCode("Page/page.js"), .embedInCode("Page/requests.html"),
            ]
        ),

        // A small engine for tests and laptops: the other end of the protocol, with an edge for visitors and faults
        // that can be injected. It shares RstreamWire with the library, and no state machine.
        .target(
            name: "DevEngine",
            dependencies: [
                "GuardedJSON",
                "Linux",
                "RstreamModel",
                "RstreamSocket",
                "RstreamWire",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ]
        ),

        // From labels of containers to a tunnel file: reads Docker's API, decides which tunnels there are, and writes the
        // file. Which containers run is decided elsewhere, and tunnels are opened by the daemon, which watches the file.
        .target(
            name: "DockerTunnels",
            dependencies: [
                "GuardedJSON",
                "Linux",
                "RstreamConfig",
                "RstreamModel",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),

        // The daemon: parses the command line, loads the configuration, builds the services and runs them.
        .executableTarget(
            name: "rstreamd",
            dependencies: [
                "CStart",
                "Linux",
                "RstreamConfig",
                "RstreamDaemon",
                "RstreamDaemonModel",
                "RstreamModel",
                "Systemd",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]
        ),
        // The operator's program. A command for each noun parses arguments, calls ask the daemon, and views and live
        // displays show the reply. Without TLS, YAML and the library: what needs them is done by rstreamd.
        .executableTarget(
            name: "rstreamctl",
            dependencies: [
                "CStart",
                "Linux",
                "RstreamAdmin",
                "RstreamDaemonModel",
                "RstreamModel",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        // The command line of DevEngine.
        .executableTarget(
            name: "rstream-dev-engine",
            dependencies: [
                "CStart",
                "DevEngine",
                "Linux",
                "RstreamModel",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ]
        ),

        // The command line of DockerTunnels. A program of its own, so that the daemon never has Docker's socket.
        .executableTarget(
            name: "rstreamd-docker",
            dependencies: [
                "CStart",
                "DockerTunnels",
                "Linux",
                "RstreamModel",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]
        ),

        // What several test targets share: temporary folders, a manual clock, log capture, dev engines in process and
        // as programs, peers that misbehave, process fixtures.
        .target(
            name: "RstreamTestSupport",
            dependencies: [
                "DevEngine",
                "Linux",
                "RstreamAdmin",
                "RstreamModel",
                "RstreamSocket",
                "RstreamWire",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            path: "Tests/RstreamTestSupport"
        ),
        // Rules about the source itself: which module may import which, where blocking calls may stand, that every
        // decoder has a limit, that texts compare as they should.
        .testTarget(name: "LayoutTests"),
        // Tests of the modules that know nothing of tunnels: Linux, RstreamSocket, YAML, Systemd, GuardedJSON.
        .testTarget(
            name: "PlatformTests",
            dependencies: [
                "GuardedJSON",
                "Linux",
                "RstreamModel",
                "RstreamSocket",
                "RstreamTestSupport",
                "Systemd",
                "YAML",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ]
        ),
        // Tests of the shared types, the wire and the state machines: no sockets, no waiting.
        .testTarget(
            name: "RstreamCoreTests",
            dependencies: [
                "RstreamCore",
                "RstreamModel",
                "RstreamTestSupport",
                "RstreamWire",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ]
        ),
        // The decisions of a whole daemon in one process: sessions, tunnels, streams, upstreams, listeners, reloads and
        // take-overs beside a model engine and model upstreams, on a virtual clock and a network that a seed controls. No
        // socket, no waiting, and none of the daemon's shells.
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "RstreamCore", "RstreamDaemon", "RstreamDaemonModel", "RstreamModel", "RstreamRelay",
                "RstreamTestSupport", "RstreamWire",
            ],
            exclude: ["Mutants", "RESULTS.md", "run"]
        ),
        // Tests of the library: client configuration, and the client against a dev engine in the same process.
        .testTarget(
            name: "RstreamTests",
            dependencies: [
                "ClientConfiguration",
                "DevEngine",
                "Rstream",
                "RstreamCore",
                "RstreamModel",
                "RstreamTestSupport",
                "RstreamWire",
                "YAML",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .target(name: "EngineTLS", condition: .when(traits: ["EngineTLS"])),
            ]
        ),
        // Tests of the relay and of listeners, on real sockets against a dev engine in the same process.
        .testTarget(
            name: "RstreamRelayTests",
            dependencies: [
                "DevEngine",
                "Rstream",
                "RstreamCore",
                "RstreamDaemonModel",
                "RstreamModel",
                "RstreamRelay",
                "RstreamSocket",
                "RstreamTestSupport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        // Tests of the configuration files. Corpus holds files with the values or the diagnostics that are expected of
        // each, Import/Files those of other programs with the tunnel files that they become.
        .testTarget(
            name: "RstreamConfigTests",
            dependencies: [
                "Linux", "RstreamConfig", "RstreamDaemonModel", "RstreamModel", "RstreamTestSupport", "YAML",
            ],
            exclude: ["Corpus", "Import/Files"]
        ),
        // Tests of the admin API's types and of what rstreamctl prints.
        .testTarget(
            name: "RstreamctlTests",
            dependencies: [
                "Linux",
                "RstreamAdmin",
                "RstreamDaemonModel",
                "RstreamModel",
                "RstreamTestSupport",
                "rstreamctl",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        // Tests of tunnels by labels, against an API in the same process.
        .testTarget(
            name: "DockerTunnelsTests",
            dependencies: [
                "DockerTunnels",
                "GuardedJSON",
                "Linux",
                "RstreamConfig",
                "RstreamModel",
                "RstreamTestSupport",
                .product(name: "NIOCore", package: "swift-nio"),
            ]
        ),
        // Tests of the dev engine against scripted agents and visitors.
        .testTarget(
            name: "DevEngineTests",
            dependencies: [
                "DevEngine",
                "RstreamModel",
                "RstreamTestSupport",
                "RstreamWire",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]
        ),
        // Tests of the daemon's services, and of the whole daemon in the same process against a dev engine.
        .testTarget(
            name: "RstreamDaemonTests",
            dependencies: [
                "DevEngine",
                "Linux",
                "Rstream",
                "RstreamAdmin",
                "RstreamConfig",
                "RstreamCore",
                "RstreamDaemon",
                "RstreamDaemonModel",
                "RstreamModel",
                "RstreamRelay",
                "RstreamSocket",
                "RstreamTestSupport",
                "Systemd",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        // Every reader of bytes from outside, on inputs that are kept and on mutations of them. `make fuzz` makes a fuzzer of
        // the same targets.
        .testTarget(
            name: "FuzzTests",
            dependencies: fuzzed + ["RstreamTestSupport"],
            path: "Tests/Fuzz",
            exclude: ["Corpus", "Fuzzer", "RESULTS.md", "run"],
            sources: ["Suite", "Targets"]
        ),
        // The real programs on real sockets, with the official SDK as a second judge of the protocol. EngineChecks is what
        // any engine must do for the library: a dev engine of its own, or the one that `make e2e` names.
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "DevEngine",
                "Linux",
                "Rstream",
                "RstreamAdmin",
                "RstreamDaemonModel",
                "RstreamModel",
                "RstreamRelay",
                "RstreamTestSupport",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
            ],
            exclude: ["EngineChecks/Official"],
            resources: [.copy("Judges")]
        ),
    ]
)

// The Makefile's release build makes the programs only, in one go, and not what tests share.
let isFuzzer = Context.environment["RSTREAM_FUZZ"] != nil
if isFuzzer || Context.environment["RSTREAM_PROGRAMS"] != nil {
    package.targets.removeAll { $0.type == .test || $0.path?.hasPrefix("Tests/") == true }
}

// `make fuzz` makes the fuzzer. Every module of ours counts which of its branches an input takes, which leads libFuzzer.
if isFuzzer {
    package.targets.append(
        .executableTarget(
            name: "rstream-fuzz",
            dependencies: fuzzed,
            path: "Tests/Fuzz",
            exclude: ["Corpus", "RESULTS.md", "Suite", "run"],
            sources: ["Fuzzer", "Targets"],
            swiftSettings: [.unsafeFlags(["-parse-as-library"])],
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]
        )
    )
}

// `make simulate` and `make mutants` build what a simulation needs.
if Context.environment["RSTREAM_SIMULATION"] != nil {
    package.products.removeAll { $0.name != "Rstream" }
    let others = ["DevEngine", "DockerTunnels", "rstreamd", "rstreamctl", "rstreamd-docker", "rstream-dev-engine"]
    package.targets.removeAll { $0.type == .test && $0.name != "SimulationTests" || others.contains($0.name) }
    for support in package.targets where support.name == "RstreamTestSupport" {
        (support.sources, support.dependencies) = (["Complaint.swift", "SplitMix.swift"], [])
    }
}

let upcoming = [
    "ExistentialAny", "InternalImportsByDefault", "MemberImportVisibility", "NonisolatedNonsendingByDefault",
]
let common: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]
for target in package.targets where target.type != .system {
    target.swiftSettings = (target.swiftSettings ?? []) + common + upcoming.map { .enableUpcomingFeature($0) }
    if isFuzzer { target.swiftSettings?.append(.unsafeFlags(["-sanitize=fuzzer"])) }
}
