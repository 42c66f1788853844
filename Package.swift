// swift-tools-version: 6.2

import PackageDescription

let package = Package(
    name: "rstreamd",
    products: [

    ],
    dependencies: [

    ],
    targets: [
        // The nouns: names, addresses, specifications, errors. Values only, no dependencies.
        .target(name: "RstreamModel"),
        .testTarget(name: "RstreamModelTests", dependencies: ["RstreamModel"]),
    ]
)

let upcoming = [
    "ExistentialAny", "InternalImportsByDefault", "MemberImportVisibility", "NonisolatedNonsendingByDefault",
]
let common: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]
for target in package.targets where target.type != .system {
    target.swiftSettings = (target.swiftSettings ?? []) + common + upcoming.map { .enableUpcomingFeature($0) }
}
