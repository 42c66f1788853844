// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Testing

/// What each module may import (see "The modules" in docs/architecture.md). The compiler checks that an import is
/// declared in Package.swift; this table says what may be declared.
private let mayImport: [String: Set<String>] = [
    "RstreamModel": [],
    "RstreamDaemonModel": ["RstreamModel"],
    "GuardedJSON": ["FoundationEssentials"],
    "RstreamWire": ["FoundationEssentials", "NIOCore", "RstreamModel", "SwiftProtobuf"],
    "RstreamCore": ["DequeModule", "RstreamModel", "RstreamWire"],
    "RstreamSocket": ["Glibc", "Linux", "NIOCore", "NIOPosix", "RstreamModel", "Synchronization"],
    "EngineTLS": ["CNIOBoringSSL", "Linux", "NIOCore", "NIOPosix", "NIOTLS", "Synchronization"],
    "Rstream": [
        "COpenSSL", "ClientConfiguration", "Crypto", "DequeModule", "EngineTLS", "FoundationEssentials", "Glibc",
        "GuardedJSON", "Linux", "Logging",
        "NIOCore", "NIOHTTP1", "NIOPosix", "NIOSSL", "NIOTLS", "RstreamCore", "RstreamModel", "RstreamSocket",
        "RstreamWire", "ServiceLifecycle",
        "Synchronization",
    ],
    "RstreamRelay": [
        "DequeModule", "Glibc", "Linux", "Logging", "NIOCore", "NIOPosix", "Rstream", "RstreamCore", "RstreamModel",
        "RstreamSocket", "Synchronization", "RstreamDaemonModel",
    ],
    "YAML": ["CYAML", "RstreamModel"],
    "ClientConfiguration": ["FoundationEssentials", "GuardedJSON", "RstreamModel", "YAML"],
    "RstreamConfig": ["ClientConfiguration", "Glibc", "Linux", "RstreamModel", "YAML", "RstreamDaemonModel"],
    "Linux": ["CLinux", "Dispatch", "Glibc", "RstreamModel", "Synchronization"],
    "Systemd": ["CSystemd", "Glibc", "Linux", "RstreamModel", "Synchronization"],
    "RstreamAdmin": [
        "FoundationEssentials", "Glibc", "GuardedJSON", "Linux", "NIOCore", "NIOHTTP1", "NIOPosix", "RstreamModel",
        "RstreamDaemonModel",
    ],
    "RstreamDaemon": [
        "DequeModule", "FoundationEssentials", "Glibc", "GuardedJSON", "Linux", "Logging", "NIOConcurrencyHelpers",
        "NIOCore", "NIOHTTP1", "NIOPosix",
        "Rstream", "RstreamAdmin", "RstreamConfig", "RstreamCore", "RstreamModel", "RstreamRelay", "RstreamSocket",
        "ServiceLifecycle", "SwiftOverlayShims", "Synchronization", "Systemd", "RstreamDaemonModel",
    ],
    "DevEngine": [
        "Crypto", "FoundationEssentials", "Glibc", "GuardedJSON", "Linux", "Logging", "NIOCore", "NIOHPACK", "NIOHTTP1",
        "NIOHTTP2", "NIOPosix", "NIOSSL", "NIOTLS", "NIOWebSocket", "RstreamModel", "RstreamSocket", "RstreamWire",
        "SwiftASN1", "X509",
    ],
    "DockerTunnels": [
        "Glibc", "GuardedJSON", "Linux", "NIOCore", "NIOHTTP1", "NIOPosix", "RstreamConfig", "RstreamModel",
        "Synchronization",
    ],
    "rstreamd-docker": ["ArgumentParser", "Dispatch", "DockerTunnels", "Glibc", "Linux", "RstreamModel"],
    "rstreamd": [
        "ArgumentParser", "Dispatch", "Glibc", "Linux", "Logging", "NIOCore", "NIOPosix",
        "RstreamConfig", "RstreamDaemon",
        "RstreamModel", "ServiceLifecycle", "Systemd", "UnixSignals", "RstreamDaemonModel",
    ],
    "rstreamctl": [
        "ArgumentParser", "Dispatch", "Glibc", "Linux", "NIOCore", "NIOPosix", "RstreamAdmin", "RstreamDaemonModel",
        "RstreamModel",
    ],
    "rstream-dev-engine": [
        "ArgumentParser", "DevEngine", "Dispatch", "FoundationEssentials", "Glibc", "Linux", "Logging", "NIOCore",
        "RstreamModel",
    ],
]

@Test("no module imports what the table does not let it", arguments: mayImport.keys.sorted())
func importsStayInTheTable(importer: String) throws {
    let allowed = try #require(mayImport[importer])
    for (file, module) in try imports(of: importer) where !allowed.contains(module) {
        Issue.record("\(importer)/\(file) imports \(module)")
    }
}

@Test("every module is in the table of imports")
func everyModuleIsListed() throws {
    let modules = try FileManager.default.contentsOfDirectory(atPath: sources).filter {
        !["COpenSSL", "CStart", "CLinux", "CSystemd", "CYAML"].contains($0)
    }
    #expect(Set(modules) == Set(mayImport.keys))
}

/// Folders of pure decisions: values in, values out. No I/O, no clock, no log.
private let pureFolders: [String: Set<String>] = [
    "RstreamDaemon/Page": ["RstreamAdmin", "RstreamModel"],
    "RstreamDaemon/Reconcile": ["RstreamDaemonModel", "RstreamModel"],
    // Of the C library its mathematics.
    "RstreamRelay/Decisions": ["DequeModule", "Glibc", "RstreamCore", "RstreamDaemonModel", "RstreamModel"],
]

@Test("folders of decisions import values only", arguments: pureFolders.keys.sorted())
func decisionsArePure(folder: String) throws {
    let allowed = try #require(pureFolders[folder])
    for (file, module) in try imports(of: folder) where !allowed.contains(module) {
        Issue.record("\(folder)/\(file) imports \(module)")
    }
}

/// What `rstreamctl` must not be linked with, by whatever way: what reads secrets, goes to engines or parses files is the
/// daemon's.
private let notInControl: Set<String> = [
    "COpenSSL", "Crypto", "ClientConfiguration", "CYAML", "EngineTLS", "NIOSSL", "NIOTLS", "Rstream", "RstreamConfig",
    "RstreamCore",
    "RstreamDaemon", "RstreamRelay", "RstreamSocket", "RstreamWire", "Systemd", "SwiftProtobuf", "YAML",
]

@Test("rstreamctl is thin: it depends on no TLS, no library and no configuration")
func controlIsThin() throws {
    let dependencies = try declaredDependencies()
    var (closure, rest): (Set<String>, [String]) = ([], ["rstreamctl"])
    while let target = rest.popLast() {
        for name in dependencies[target] ?? [] where closure.insert(name).inserted { rest.append(name) }
    }
    #expect(closure.isSuperset(of: ["Linux", "NIOHTTP1", "RstreamAdmin"]), "\(closure)")
    #expect(closure.isDisjoint(with: notInControl), "\(closure.intersection(notInControl))")
    // It would find what is forbidden.
    #expect(dependencies["Rstream"]?.contains("NIOSSL") == true)
}

/// The targets and products that each target of Package.swift names.
private func declaredDependencies() throws -> [String: Set<String>] {
    let manifest = URL(filePath: sources).deletingLastPathComponent().appending(path: "Package.swift").path
    let text = try String(contentsOfFile: manifest, encoding: .utf8)
    var dependencies: [String: Set<String>] = [:]
    for target in text.split(separator: #/\.(?:target|executableTarget|testTarget|systemLibrary)\(/#).dropFirst() {
        let names = target.matches(of: #/(?:name: )?"([\w-]+)"/#).map { String($0.output.1) }
        if let name = names.first { dependencies[name] = Set(names.dropFirst()) }
    }
    return dependencies
}

/// A type of the C library, such as `mode_t`, may belong to any C module that includes its header, and which one the
/// compiler takes depends on what else it has loaded. The same import is then used or not used from build to build.
@Test("no declaration that others see names a type of the C library", arguments: ["Sources", "Tests"])
func interfacesAreSwift(folder: String) throws {
    let root = URL(filePath: sources).deletingLastPathComponent().appending(path: folder).path
    for file in try FileManager.default.subpathsOfDirectory(atPath: root) where file.hasSuffix(".swift") {
        let text = try String(contentsOfFile: "\(root)/\(file)", encoding: .utf8)
        if text.contains(#/(?m)^(?:package|public) import Glibc$/#) { Issue.record("\(folder)/\(file)") }
    }
}

let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Sources").path

private func imports(of importer: String) throws -> [(file: String, module: String)] {
    let folder = "\(sources)/\(importer)"
    let files = try FileManager.default.subpathsOfDirectory(atPath: folder).filter {
        // Generated code names Foundation for platforms that have no FoundationEssentials.
        $0.hasSuffix(".swift") && !$0.hasSuffix(".pb.swift")
    }
    #expect(!files.isEmpty)
    return try files.flatMap { file in
        try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard let index = words.firstIndex(of: "import"), index <= 2, index + 1 < words.count,
                !line.contains("///"), !line.hasPrefix("//")
            else { return nil }
            return (file, String(words[index + 1].split(separator: ".")[0]))
        }
    }
}
