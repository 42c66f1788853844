// swift-tools-version: 6.2

import PackageDescription

let package = Package(
    name: "rstreamd",
    products: [
        .library(name: "Rstream", targets: ["Rstream"]),
        .executable(name: "rstreamd", targets: ["rstreamd"]),
        .executable(name: "rstreamctl", targets: ["rstreamctl"]),
        .executable(name: "rstream-dev-engine", targets: ["rstream-dev-engine"]),
    ],
    dependencies: [
        // Event loops, channels and byte buffers under every socket we own.
        .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
        // HTTP/2 at the dev engine's edge. No program that serves in earnest has it, so its version may vary.
        .package(url: "https://github.com/apple/swift-nio-http2.git", from: "1.38.0"),
        // TLS to the engine: less CPU per byte and per handshake than the system's OpenSSL 3.0.
        .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
        // The wire's messages; generated code is committed, the compiler plugin is not used.
        .package(url: "https://github.com/apple/swift-protobuf.git", exact: "1.39.0"),
        // The logging interface that library users plug their own handler into.
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
        // One tree of services, and signals turned into a graceful shutdown.
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", exact: "2.13.0"),
        // Command lines of the executables.
        .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
        // Deques and ordered dictionaries for queues that keep the order of arrival.
        .package(url: "https://github.com/apple/swift-collections.git", exact: "1.6.0"),
        // Tokens that applications sign, and in the dev engine and the tests HS256 tokens and SHA-256.
        .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
        // The dev engine's own certificate authority, and the DER it is written in.
        .package(url: "https://github.com/apple/swift-certificates.git", exact: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1.git", exact: "1.7.4"),
    ],
    targets: [
        // The nouns: names, addresses, specifications, errors. Values only, no dependencies.
        .target(name: "RstreamModel"),

        // The one way from bytes to JSON values: size and depth are judged before Foundation sees them.
        .target(name: "GuardedJSON"),

        // The nouns of the daemon and its relay, which users of the library do not need.
        .target(name: "RstreamDaemonModel", dependencies: ["RstreamModel"]),

        // Engine bytes to messages and back. Generated protobuf never leaves it.
        .target(
            name: "RstreamWire",
            dependencies: [
                "RstreamModel",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            exclude: ["Generated/rstream.proto"]
        ),

        // The decisions: state machines and policies without sockets, clocks, tasks or loggers.
        .target(
            name: "RstreamCore",
            dependencies: [
                "RstreamModel",
                "RstreamWire",
                .product(name: "DequeModule", package: "swift-collections"),
            ]
        ),

        // How connections end, in order or at once, and Unix sockets that are judged and made safely.
        .target(
            name: "RstreamSocket",
            dependencies: [
                "Linux",
                "RstreamModel",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),

        // The public library: client, control channel, tunnels, accepted streams, private dial.
        .target(
            name: "Rstream",
            dependencies: [
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
            ]
        ),

        // Bytes between a stream and a local upstream.
        .target(
            name: "RstreamRelay",
            dependencies: [
                "Linux",
                "Rstream",
                "RstreamCore",
                "RstreamDaemonModel",
                "RstreamModel",
                "RstreamSocket",
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
        // The only Swift that touches libyaml: text to a tree of nodes with positions.
        .target(name: "YAML", dependencies: ["CYAML", "RstreamModel"]),

        // The official tools' configuration file, variables and options to an engine, a credential and a transport.
        .target(name: "ClientConfiguration", dependencies: ["GuardedJSON", "RstreamModel", "YAML"]),

        // rstreamd.yaml and tunnel files to validated values; every complaint has file, line and column.
        .target(
            name: "RstreamConfig",
            dependencies: ["ClientConfiguration", "Linux", "RstreamDaemonModel", "RstreamModel", "YAML"]
        ),

        .systemLibrary(
            name: "CSystemd",
            pkgConfig: "libsystemd",
            providers: [.apt(["libsystemd-dev"])]
        ),
        // The only Swift that touches libsystemd.
        .target(name: "Systemd", dependencies: ["CSystemd", "Linux", "RstreamModel"]),

        // Headers that Swift's own view of glibc leaves out, and what a signal handler may do, which Swift must not.
        .target(name: "CLinux"),
        // What programs do before their first line of Swift: words of the command line, standard streams. Linked, and
        // imported by nobody.
        .target(name: "CStart"),
        // What the kernel and glibc tell and do: time, variables, inotify, netlink, malloc_trim. The only Swift that
        // touches what Swift's own view of glibc leaves out.
        .target(name: "Linux", dependencies: ["CLinux", "RstreamModel"]),

        // The admin socket's contract: calls, what they are answered with, and the client of it.
        .target(
            name: "RstreamAdmin",
            dependencies: [
                "GuardedJSON",
                "RstreamDaemonModel",
                "RstreamModel",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),

        // A context of the configuration to what a client of the library is made with.
        .target(
            name: "ContextClient",
            dependencies: ["Linux", "Rstream", "RstreamConfig", "RstreamDaemonModel", "RstreamModel"]
        ),

        // What may stand between the configuration and a visitor's page, looked at piece by piece.
        .target(
            name: "RstreamDoctor",
            dependencies: [
                "ContextClient",
                "Linux",
                "Rstream",
                "RstreamAdmin",
                "RstreamConfig",
                "RstreamDaemonModel",
                "RstreamModel",
                "RstreamRelay",
                "RstreamSocket",
            ]
        ),

        // What the admin socket's client asks, and how it shows the answers.
        .target(
            name: "RstreamControl",
            dependencies: [
                "Linux",
                "RstreamAdmin",
                "RstreamConfig",
                "RstreamDaemonModel",
                "RstreamDoctor",
                "RstreamModel",
                .product(name: "NIOCore", package: "swift-nio"),
            ]
        ),

        // The daemon's services and their wiring.
        .target(
            name: "RstreamDaemon",
            dependencies: [
                "ContextClient",
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
            ]
        ),

        // The other end of the wire, for tests and laptops.
        .target(
            name: "DevEngine",
            dependencies: [
                "GuardedJSON",
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

        .executableTarget(
            name: "rstreamd",
            dependencies: [
                "CStart",
                "ContextClient",
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
        .executableTarget(
            name: "rstreamctl",
            dependencies: [
                "CStart",
                "ContextClient",
                "Linux",
                "RstreamAdmin",
                "RstreamConfig",
                "RstreamControl",
                "RstreamDaemonModel",
                "RstreamDoctor",
                "RstreamModel",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
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

        // What more than one test target needs: temporary folders, manual time, log capture, peers, process fixtures.
        .target(
            name: "RstreamTestSupport",
            dependencies: [
                "DevEngine",
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
        // The arrows between the modules.
        .testTarget(name: "LayoutTests"),
        // Modules that know nothing of tunnels.
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
            ]
        ),
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
        .testTarget(
            name: "RstreamConfigTests",
            dependencies: [
                "Linux", "RstreamConfig", "RstreamDaemonModel", "RstreamModel", "RstreamTestSupport", "YAML",
            ],
            exclude: ["Corpus"]
        ),
        .testTarget(
            name: "RstreamControlTests",
            dependencies: [
                "Linux",
                "RstreamAdmin",
                "RstreamControl",
                "RstreamDaemonModel",
                "RstreamDoctor",
                "RstreamModel",
                "RstreamTestSupport",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
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
        .testTarget(
            name: "RstreamDaemonTests",
            dependencies: [
                "ContextClient",
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
        .testTarget(
            name: "RstreamDoctorTests",
            dependencies: [
                "DevEngine",
                "RstreamAdmin",
                "RstreamConfig",
                "RstreamDaemonModel",
                "RstreamDoctor",
                "RstreamModel",
                "RstreamTestSupport",
            ]
        ),
        // What any engine must do for this library: a dev engine of its own, or the one of `make e2e`.
        .testTarget(
            name: "EngineTests",
            dependencies: [
                "DevEngine",
                "Rstream",
                "RstreamTestSupport",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
            ],
            exclude: ["Official"]
        ),
        // Real binaries on real sockets, judged by the official SDK too.
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
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            resources: [.copy("Judges")]
        ),
    ]
)

let upcoming = [
    "ExistentialAny", "InternalImportsByDefault", "MemberImportVisibility", "NonisolatedNonsendingByDefault",
]
let common: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]
for target in package.targets where target.type != .system {
    target.swiftSettings = (target.swiftSettings ?? []) + common + upcoming.map { .enableUpcomingFeature($0) }
}
