// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import RstreamAdmin
internal import RstreamDaemonModel
internal import RstreamModel

/// What `rstreamctl publish` asks of the daemon: the fields of a tunnel file.
struct PublishRequest: Hashable, Sendable {
    let name: String
    let body: JSONValue

    /// The body of the call.
    var json: [UInt8] { (try? AdminJSON.encode(body)) ?? [] }

    init(_ command: Publish) {
        self.init(
            target: Self.absolute(command.target),
            name: command.name,
            kind: command.kind,
            hostname: command.hostname,
            context: command.context,
            isPrivate: command.isPrivate,
            lasts: command.lasts,
            isDetached: command.detach
        )
    }

    init(
        target: String,
        name: String? = nil,
        kind: PublishWords.Kind? = nil,
        hostname: String? = nil,
        context: String? = nil,
        isPrivate: Bool = false,
        lasts: Duration? = nil,
        isDetached: Bool = false
    ) {
        let name = name ?? Self.name(for: target)
        self.name = name
        // The daemon knows the other rules.
        let kind = PublishWords.Kind.wanted(kind, isPrivate: isPrivate)
        body = .fields([
            "name": .text(name),
            "forward": .text(target),
            "context": context.map { .text($0) },
            "tunnel": .fields([
                "publish": .bool(!isPrivate),
                "protocol": kind.map { .text($0.rawValue) },
                "host": hostname.map { .text($0) },
            ]),
            // It ends with this process, also when it has a time of its own.
            "detach": .bool(isDetached),
            "for": lasts.map { .number($0 / .seconds(1)) },
        ])
    }

    /// Bytes of a made-up name.
    private static let longestName = 64

    /// A name that says what the tunnel leads to.
    private static func name(for target: String) -> String {
        let words = target.utf8.map { byte in
            let isPlain = (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
            return isPlain ? byte : UInt8(ascii: "-")
        }
        return "publish-" + String(decoding: words.suffix(longestName), as: UTF8.self)
    }

    /// The daemon works in another folder.
    private static func absolute(_ target: String) -> String {
        let scheme = "unix:"
        guard target.startsWithBytes(of: scheme) else { return target }
        let path = String(decoding: target.utf8.dropFirst(scheme.utf8.count), as: UTF8.self)
        guard !path.isEmpty, !path.startsWithBytes(of: "/"), !path.startsWithBytes(of: "@"),
            let folder = getcwd(nil, 0)
        else { return target }
        defer { free(folder) }
        return "\(scheme)\(String(cString: folder))/\(path)"
    }
}
