// swift-tools-version: 6.2

import PackageDescription

let package = Package(
    name: "rstreamd",
    products: [

    ],
    dependencies: [
        // Event loops, channels and byte buffers under every socket we own.
        .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
        // The wire's messages; generated code is committed, the compiler plugin is not used.
        .package(url: "https://github.com/apple/swift-protobuf.git", exact: "1.39.0"),
        // Deques and ordered dictionaries for queues that keep the order of arrival.
        .package(url: "https://github.com/apple/swift-collections.git", exact: "1.6.0"),
    ],
    targets: [
        // The nouns: names, addresses, specifications, errors. Values only, no dependencies.
        .target(name: "RstreamModel"),

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

        .systemLibrary(
            name: "CYAML",
            pkgConfig: "yaml-0.1",
            providers: [.apt(["libyaml-dev"])]
        ),
        // The only Swift that touches libyaml: text to a tree of nodes with positions.
        .target(name: "YAML", dependencies: ["CYAML"]),

        // rstreamd.yaml and tunnel files to validated values; every complaint has file, line and column.
        .target(name: "RstreamConfig", dependencies: ["RstreamModel", "YAML"]),
        .testTarget(name: "RstreamModelTests", dependencies: ["RstreamModel"]),
        .testTarget(
            name: "RstreamWireTests",
            dependencies: [
                "RstreamModel",
                "RstreamWire",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ]
        ),
        .testTarget(name: "RstreamCoreTests", dependencies: ["RstreamCore", "RstreamModel", "RstreamWire"]),
        .testTarget(name: "YAMLTests", dependencies: ["YAML"]),
    ]
)

let upcoming = [
    "ExistentialAny", "InternalImportsByDefault", "MemberImportVisibility", "NonisolatedNonsendingByDefault",
]
let common: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]
for target in package.targets where target.type != .system {
    target.swiftSettings = (target.swiftSettings ?? []) + common + upcoming.map { .enableUpcomingFeature($0) }
}
