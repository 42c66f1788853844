// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamConfig
internal import RstreamModel

/// A tunnel that the labels of a container ask for, as the entry of a tunnel file.
struct ContainerTunnel {
    let name: String
    /// The name of its container.
    let container: String
    private(set) var entry = Tree.Table()
    /// The label of each key of the entry, by the keys that lead to it.
    private var labels: [(path: [String], label: String)] = []

    /// Reads the labels of a tunnel. What each of them must be is checked here; what they mean together, and the words of
    /// enumerations, are left to the reader of tunnel files.
    init(
        _ tunnel: TunnelLabels,
        of container: Container,
        context: String?,
        _ options: TunnelOptions
    ) throws(LabelMistake) {
        self.container = container.name
        name = TunnelLabels.sanitized("\(container.name)-\(tunnel.name)")
        entry.set("name", to: Tree(.text(name)))
        if let context { entry.set("context", to: Tree(.text(context))) }
        var (spec, own) = (Tree.Table(), [Tree.Pair]())
        // The defaults of labels; a tunnel file has none.
        spec.set("publish", to: Tree(.word("true")))
        spec.set("protocol", to: Tree(.text("http")))
        var target: String?
        for label in tunnel.entries {
            if label.key.sameBytes(as: LabelKey.forward) {
                target = try Self.target(label, of: container, options)
                labels.append(([LabelKey.forward], label.label))
            } else if label.key.startsWithBytes(of: LabelKey.label) {
                let key = String(decoding: label.key.utf8.dropFirst(LabelKey.label.utf8.count), as: UTF8.self)
                guard !key.isEmpty else { throw LabelMistake(label: label.label, reason: "there is no key behind it") }
                own.append(Tree.Pair(key: key, value: Tree(.text(label.value))))
                labels.append((["tunnel", "labels", key], label.label))
            } else if label.key.isVisibleASCII, let (form, path) = LabelKey.all[label.key] {
                if let value = try Self.value(label, form) { spec.set(path[...], to: value) }
                labels.append((["tunnel"] + path, label.label))
            } else {
                throw LabelMistake(label: label.label, reason: "there is no such key")
            }
        }
        guard let target else {
            throw LabelMistake(label: nil, reason: "it has no label \"forward\"")
        }
        entry.set("forward", to: Tree(.text(target)))
        let source = Tree.Pair(key: Self.source, value: Tree(.text("docker")))
        spec.set("labels", to: Tree(.table(Tree.Table(own.filter { !$0.key.sameBytes(as: Self.source) } + [source]))))
        entry.set("tunnel", to: Tree(.table(spec)))
    }

    private static let source = "rstream.source"

    /// The label that the keys of a mistake lead to, or the last one on the way to it.
    func label(at path: [String]) -> String? {
        labels.first { label in
            label.path.count <= path.count && zip(label.path, path).allSatisfy { $0.sameBytes(as: $1) }
        }?.label
    }

    // MARK: Values

    private static func value(_ label: TunnelLabels.Entry, _ form: LabelKey.Form) throws(LabelMistake) -> Tree? {
        let value = label.value.trimmed
        switch form {
        case .boolean:
            guard let boolean = boolean(value) else {
                // Without the value: a token may stand where the question is whether there is one.
                throw LabelMistake(label: label.label, reason: "the value is neither true nor false")
            }
            return Tree(.word("\(boolean)"))
        case .port:
            guard let port = port(value) else { throw LabelMistake(label: label, "is not a number from 1 to 65535") }
            return Tree(.word("\(port)"))
        case .text: return Tree(.text(value))
        case .list:
            let items = value.split(byte: ",").map(\.trimmed).filter { !$0.isEmpty }
            return items.isEmpty ? nil : Tree(.list(items.map { Tree(.text($0)) }))
        }
    }

    private static func boolean(_ text: String) -> Bool? {
        guard text.utf8.count <= 5 else { return nil }
        switch text.asciiLowercased {
        case "1", "t", "true", "yes", "y": return true
        case "0", "f", "false", "no", "n": return false
        default: return nil
        }
    }

    private static func port(_ text: some StringProtocol) -> Int? {
        guard (1...5).contains(text.utf8.count), text.isDigits, let port = Int(text), (1...65_535).contains(port) else {
            return nil
        }
        return port
    }

    // MARK: Where streams go

    /// The value of `forward`: a port of the container, or one of its own addresses with a port. No label leads to
    /// another service than the container's.
    private static func target(
        _ label: TunnelLabels.Entry,
        of container: Container,
        _ options: TunnelOptions
    ) throws(LabelMistake) -> String {
        let text = label.value.trimmed
        guard let colon = text.lastIndex(ofByte: ":") else {
            guard let port = port(text) else { throw LabelMistake(label: label, "is neither a port nor ADDRESS:PORT") }
            return try target(address(of: container, label, options), port)
        }
        var host = text[..<colon]
        if host.startsWithBytes(of: "["), host.endsWithBytes(of: "]") {
            host = host[host.utf8.index(after: host.startIndex)..<host.utf8.index(before: host.endIndex)]
        }
        guard let port = port(text[text.utf8.index(after: colon)...]), let wanted = IPAddress(host) else {
            throw LabelMistake(label: label, "is neither a port nor ADDRESS:PORT")
        }
        guard container.networks.contains(where: { $0.addresses.contains { IPAddress($0) == wanted } }) else {
            throw LabelMistake(label: label, "names an address that is not the container's own")
        }
        return target("\(wanted)", port)
    }

    private static func target(_ address: String, _ port: Int) -> String {
        address.contains(byte: ":") ? "[\(address)]:\(port)" : "\(address):\(port)"
    }

    private static func address(
        of container: Container,
        _ label: TunnelLabels.Entry,
        _ options: TunnelOptions
    ) throws(LabelMistake) -> String {
        if let name = options.network {
            guard let network = container.networks.first(where: { $0.name.sameBytes(as: name) }),
                let address = network.addresses.first
            else {
                let reason = "the container has no address in the network \(name.shortened.quotedJSON)"
                throw LabelMistake(label: label.label, reason: reason)
            }
            return address
        }
        if let address = container.networks.lazy.compactMap(\.addresses.first).first { return address }
        let isOfHost = container.networks.contains { $0.name.sameBytes(as: "host") }
        let reason =
            isOfHost
            ? "the container has no address of its own: it is in the network of the host"
            : "the container has no address that this host could reach"
        throw LabelMistake(label: label.label, reason: reason)
    }
}

/// What is wrong with the labels of one tunnel.
struct LabelMistake: Error {
    /// The whole key; nil where no single label is wrong.
    let label: String?
    let reason: String

    init(label: String?, reason: String) {
        self.label = label
        self.reason = reason
    }

    /// The value of a label is wrong.
    init(label: TunnelLabels.Entry, _ problem: String) {
        self.init(label: label.label, reason: "\(label.value.shortened.quotedJSON) \(problem)")
    }
}
