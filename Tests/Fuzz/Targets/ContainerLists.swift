// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DockerTunnels
import RstreamConfig
import RstreamModel

/// The list of containers that `rstreamd-docker` reads: the same however it arrives, and the daemon takes the tunnel file
/// that is written of it, whatever the labels are.
enum ContainerLists {
    private static let daemon = Array(
        "version: 1\ncontext: main\ncontexts: { main: { engine: engine.example, noToken: true } }\n".utf8
    )

    static func check(_ bytes: [UInt8]) throws(Finding) {
        let ways = deliveries(of: bytes)
        let first = read(ways[0])
        for way in ways.dropFirst() { try demand(read(way) == first, "\(first) at once is \(read(way)) in pieces") }
        guard case .success(let listing) = first else { return }
        var options = TunnelOptions()
        options.labelContexts = ["main"]
        let file = DockerTunnelFile(listing, options)
        for complaint in file.complaints {
            let isLine = complaint.description.unicodeScalars.allSatisfy { !$0.isHidden }
            try demand(isLine, "a complaint is \(complaint.description.debugDescription)")
        }
        let count = try load(file.text)
        try demand(count == file.tunnelCount, "of \(file.tunnelCount) tunnels \(count) are read:\n\(file.text)")
    }

    private static func read(_ pieces: [[UInt8]]) -> Result<ContainerListing, DockerFailure> {
        Result { () throws(DockerFailure) in
            var reader = ContainerListReader(longestEntry: 2_000)
            for piece in pieces { try reader.read(piece) }
            return try reader.end()
        }
    }

    /// How many tunnels the daemon reads.
    private static func load(_ text: String) throws(Finding) -> Int {
        let host = ImaginaryHost(files: [ImaginaryHost.daemon: daemon, ImaginaryHost.tunnels: Array(text.utf8)])
        let loader = ConfigurationLoader(files: host, environment: ["HOME": "/root"], rule: ImaginaryHost.rule)
        do throws(ConfigurationError) {
            return try loader.load(ImaginaryHost.daemon).configuration.tunnels.count
        } catch {
            throw Finding("a tunnel file that was written is refused: \(error)\n\(text)")
        }
    }
}
