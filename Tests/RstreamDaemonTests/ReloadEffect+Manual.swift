// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel

extension ReloadEffect {
    /// What the manual page says about it, and about every key that has it.
    static var manual: String { allCases.map(\.manual).joined() }

    private var manual: String {
        let keys = ConfigurationKey.allCases.filter { $0.effect == self }.map(\.rawValue)
        var lines = ["Cm"]
        for (index, key) in keys.enumerated() {
            let piece = " \(key)" + (index < keys.count - 1 ? " ," : "")
            if lines[lines.count - 1].utf8.count + piece.utf8.count > 77 { lines.append("Cm") }
            lines[lines.count - 1] += piece
        }
        return ".It Sy \(title)\n\(meaning)\n.br\n" + lines.map { ".\($0)\n" }.joined()
    }

    private var title: String {
        switch self {
        case .reading: "Read"
        case .atOnce: #"\&At once"#
        case .reconnect: "Reconnect"
        case .update: "Update"
        case .reroute: "Update, with streams"
        case .replace: "Replace"
        case .presence: "Add, remove"
        }
    }

    private var meaning: String {
        switch self {
        case .reading:
            """
            These keys say how files are read; what is read is compared by itself.
            """
        case .atOnce:
            """
            In force for what begins from then on.
            No session, tunnel, listener or stream is touched.
            """
        case .reconnect:
            """
            The session connects anew and its tunnels open again.
            Streams of tunnels and listeners stay.
            """
        case .update:
            """
            The tunnel or listener goes on with the new value.
            No running stream is touched.
            """
        case .reroute:
            """
            The tunnel goes on with the new value, and running streams go by
            .Cm reload.changed .
            """
        case .replace:
            """
            Another tunnel or listener takes its place, and running streams go by
            .Cm reload.changed .
            Another context that shares the session of the one before is an update.
            """
        case .presence:
            """
            A tunnel or listener is added or removed, and the streams of a removed one go by
            .Cm reload.changed .
            """
        }
    }
}
