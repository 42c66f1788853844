// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// Builds the tree from libyaml's steps: resolves anchors, aliases and merge keys, and keeps to the limits.
struct Composer: ~Copyable {
    private var events: EventReader
    private let limits: Limits
    private let isTooLong: Bool
    /// Finished nodes by their anchors; a later anchor of the same name takes the earlier one's place.
    private var anchors: [ByteKey: Node] = [:]
    /// Anchors of collections that are not finished, which an alias inside them cannot stand for.
    private var open: Set<ByteKey> = []
    private var nodeCount = 0
    /// Bytes of texts, those of aliases counted as often as they stand for something.
    private var byteCount = 0
    private(set) var problems: [Document.Problem] = []

    init(text: String, limits: Limits) {
        isTooLong = text.utf8.count > limits.bytes
        // Nothing of a text that is too long is looked at.
        events = EventReader(isTooLong ? "" : text)
        self.limits = limits
    }

    /// More than any file needs. libyaml compares each with all before it.
    private static let mostDirectives = 16

    /// Reads the one document.
    mutating func compose() throws(SyntaxError) -> Node? {
        if isTooLong { throw SyntaxError("longer than \(limits.bytes) bytes", at: .start) }
        if let line = events.excessDirective(over: Self.mostDirectives) {
            throw SyntaxError("more than \(Self.mostDirectives) directives", at: line)
        }
        var root: Node?
        var documents = 0
        while true {
            let event = try events.next()
            switch event.kind {
            case .streamStart, .documentEnd: continue
            case .streamEnd: return root
            case .documentStart:
                documents += 1
                guard documents == 1 else {
                    throw SyntaxError("a second document", hint: "only one document is read", at: event.span.start)
                }
                root = try node(events.next(), depth: 0)
            case .alias, .scalar, .sequenceStart, .sequenceEnd, .mappingStart, .mappingEnd:
                throw .unreadable(at: event.span.start)
            }
        }
    }

    private mutating func node(_ event: Event, depth: Int) throws(SyntaxError) -> Node {
        switch event.kind {
        case .alias(let name):
            return try resolve(name, at: event.span, depth: depth)
        case .scalar(let scalar, let anchor):
            let size = Node.Size(of: scalar)
            try count(size, at: event.span.start)
            check(scalar.tag, among: Tag.scalars, at: event.span)
            let node = Node(.scalar(scalar), span: event.span, size: size, height: 0)
            if let anchor { anchors[ByteKey(anchor)] = node }
            return node
        case .sequenceStart(let anchor, let tag):
            check(tag, among: ["!", Tag.sequence], at: event.span)
            return try collection(event, anchor: anchor, depth: depth) {
                (composer: inout Composer) throws(SyntaxError) in
                try composer.sequence(from: event.span.start, depth: depth + 1)
            }
        case .mappingStart(let anchor, let tag):
            check(tag, among: ["!", Tag.mapping], at: event.span)
            return try collection(event, anchor: anchor, depth: depth) {
                (composer: inout Composer) throws(SyntaxError) in
                try composer.mapping(from: event.span.start, depth: depth + 1)
            }
        case .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
            throw .unreadable(at: event.span.start)
        }
    }

    private mutating func collection(
        _ event: Event,
        anchor: String?,
        depth: Int,
        _ read: (inout Composer) throws(SyntaxError) -> Node
    ) throws(SyntaxError) -> Node {
        guard depth < limits.depth else { throw tooDeep(at: event.span.start) }
        try count(.one, at: event.span.start)
        guard let anchor = anchor.map({ ByteKey($0) }) else { return try read(&self) }
        open.insert(anchor)
        let node = try read(&self)
        open.remove(anchor)
        anchors[anchor] = node
        return node
    }

    private mutating func sequence(from start: Mark, depth: Int) throws(SyntaxError) -> Node {
        var items: [Node] = []
        while true {
            let event = try events.next()
            if event.kind == .sequenceEnd {
                return Node(
                    .sequence(items),
                    span: Span(start: start, end: event.span.end),
                    size: items.reduce(into: .one) { $0 += $1.size },
                    height: 1 + (items.map(\.height).max() ?? 0)
                )
            }
            items.append(try node(event, depth: depth))
        }
    }

    private mutating func mapping(from start: Mark, depth: Int) throws(SyntaxError) -> Node {
        var pairs = Pairs()
        var merged: [Node.Pair] = []
        while true {
            let event = try events.next()
            if event.kind == .mappingEnd {
                pairs.merge(merged)
                return Node(
                    .mapping(pairs.list),
                    span: Span(start: start, end: event.span.end),
                    size: pairs.list.reduce(into: .one) { $0 += $1.size },
                    height: 1 + (pairs.list.map(\.value.height).max() ?? 0)
                )
            }
            let key = try node(event, depth: depth)
            let value = try node(events.next(), depth: depth)
            guard case .scalar(let scalar) = key.content else {
                report("a key must be text", at: event.span)
                continue
            }
            guard scalar.text.utf8.count <= limits.keyBytes else {
                let head = Node.Pair(key: scalar.text.cut(toBytes: limits.keyBytes), keySpan: event.span, value: value)
                report("a key of more than \(limits.keyBytes) bytes", at: event.span, dropped: head)
                continue
            }
            let pair = Node.Pair(key: scalar.text, keySpan: event.span, value: value)
            if let first = pairs.place(of: scalar.text) {
                report("repeated key \"\(scalar.text.shortened)\"", at: event.span, other: first, dropped: pair)
                continue
            }
            let isMerge =
                scalar.tag.map { $0.sameBytes(as: Tag.merge) }
                ?? (scalar.style == .plain && scalar.text.sameBytes(as: "<<"))
            pairs.insert(pair, isMerge: isMerge)
            if isMerge { merged += mergeable(value, at: event.span) }
        }
    }

    /// The pairs that a merge key brings in, the more important first.
    private mutating func mergeable(_ value: Node, at span: Span) -> [Node.Pair] {
        switch value.content {
        case .mapping(let pairs): return pairs
        case .sequence(let items):
            return items.flatMap { item -> [Node.Pair] in
                if case .mapping(let pairs) = item.content { return pairs }
                report("\"<<\" takes a mapping or a list of mappings", at: span)
                return []
            }
        case .scalar:
            report("\"<<\" takes a mapping or a list of mappings", at: span)
            return []
        }
    }

    private mutating func resolve(_ name: String, at span: Span, depth: Int) throws(SyntaxError) -> Node {
        let name = ByteKey(name)
        if open.contains(name) {
            throw SyntaxError("the alias refers to a node that contains it", at: span.start)
        }
        guard let node = anchors[name] else { throw SyntaxError("the alias has no anchor", at: span.start) }
        guard depth + node.height <= limits.depth else { throw tooDeep(at: span.start) }
        try count(node.size, at: span.start)
        return node
    }

    /// Weights never pass the limit, because a node that would is not made; so the sum cannot overflow.
    private mutating func count(_ size: Node.Size, at mark: Mark) throws(SyntaxError) {
        nodeCount += size.nodes
        byteCount += size.bytes
        guard byteCount <= 2 * limits.bytes else {
            throw SyntaxError("more than \(2 * limits.bytes) bytes, aliases included", at: mark)
        }
        guard nodeCount <= limits.nodes else {
            throw SyntaxError("more than \(limits.nodes) parts, aliases included", at: mark)
        }
    }

    private func tooDeep(at mark: Mark) -> SyntaxError {
        SyntaxError("more than \(limits.depth) levels of nesting", at: mark)
    }

    private mutating func check(_ tag: String?, among known: Set<String>, at span: Span) {
        if let tag, tag.utf8.count > Tag.longest || !known.contains(tag) { report("tags are not supported", at: span) }
    }

    private mutating func report(
        _ message: String,
        at span: Span,
        other: Span? = nil,
        dropped: Node.Pair? = nil
    ) {
        problems.append(Document.Problem(message: message, span: span, other: other, dropped: dropped))
    }
}

/// The pairs of one mapping while it is read.
private struct Pairs {
    private(set) var list: [Node.Pair] = []
    private var places: [ByteKey: Span] = [:]

    /// Where a key was given before.
    func place(of key: String) -> Span? { places[ByteKey(key)] }

    mutating func insert(_ pair: Node.Pair, isMerge: Bool) {
        places[ByteKey(pair.key)] = pair.keySpan
        if !isMerge { list.append(pair) }
    }

    /// Adds what was not said more explicitly.
    mutating func merge(_ pairs: [Node.Pair]) {
        for pair in pairs where places[ByteKey(pair.key)] == nil { insert(pair, isMerge: false) }
    }
}
