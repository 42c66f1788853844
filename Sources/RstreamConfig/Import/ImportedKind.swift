// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel

/// The kinds of files that are imported, and the keys they are known by.
enum ImportedKind: CaseIterable {
    case frp
    case ngrok
    case cloudflared
    case client
    case run

    var program: ImportedProgram {
        switch self {
        case .frp: .frp
        case .ngrok: .ngrok
        case .cloudflared: .cloudflared
        case .client, .run: .rstream
        }
    }

    /// Top-level keys that files of this kind have, and no others.
    private var signs: [(key: String, isSign: (Tree) -> Bool)] {
        func any(_ keys: String...) -> [(key: String, isSign: (Tree) -> Bool)] { keys.map { ($0, { _ in true }) } }
        return switch self {
        case .frp: any("serverAddr", "serverPort", "proxies", "visitors")
        case .ngrok: any("authtoken", "agent", "endpoints", "web_addr") + [("tunnels", { $0.table != nil })]
        case .cloudflared: any("ingress", "credentials-file", "warp-routing", "tunnel")
        case .client: any("environments", "defaults") + [("contexts", { $0.items != nil })]
        case .run: any("listeners") + [("tunnels", { $0.items != nil }), ("contexts", { $0.table != nil })]
        }
    }

    /// The first of its signs in a file.
    private func sign(in root: Tree.Table) -> Tree.Pair? {
        root.pairs.first { pair in signs.contains { $0.key.sameBytes(as: pair.key) && $0.isSign(pair.value) } }
    }

    /// The kinds that a file may be of, each with what it is known by.
    static func candidates(for root: Tree.Table) -> [(kind: Self, sign: Tree.Pair)] {
        allCases.compactMap { kind in kind.sign(in: root).map { (kind, $0) } }
    }

    /// The kind of a program's file; of several the one whose signs it has.
    static func kind(of program: ImportedProgram, for root: Tree.Table) -> Self {
        let kinds = allCases.filter { $0.program == program }
        return kinds.first { $0.sign(in: root) != nil } ?? kinds.first ?? .run
    }

    /// What files are known by, in words.
    static var knownBy: String {
        ImportedProgram.allCases.map { program in
            let keys = allCases.filter { $0.program == program }.flatMap { $0.signs.map(\.key) }
            return "\(Array(Set(keys)).sorted().joined(separator: ", ")) (\(program))"
        }.joined(separator: "; ")
    }

    func file(_ root: Tree.Table) -> ImportedFile {
        switch self {
        case .frp: FRPImport.file(root)
        case .ngrok: NgrokImport.file(root)
        case .cloudflared: CloudflaredImport.file(root)
        case .client: ClientFileImport.file(root)
        case .run: RunFileImport.file(root)
        }
    }
}
