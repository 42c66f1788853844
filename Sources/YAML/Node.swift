// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// One part of a document.
package struct Node: Hashable, Sendable {
    /// What it is.
    package enum Content: Hashable, Sendable {
        case scalar(Scalar)
        case sequence([Node])
        case mapping([Pair])
    }

    /// A text, not yet taken for a number or anything else.
    package struct Scalar: Hashable, Sendable {
        /// How a scalar was written.
        package enum Style: Hashable, Sendable {
            case plain
            case singleQuoted
            case doubleQuoted
            case literal
            case folded
        }

        /// The text, without quotes, escapes and folding.
        package let text: String
        /// How it was written; only a plain one can mean null.
        package let style: Style
        /// The tag written in front of it, in its long form.
        package let tag: String?

        /// A text in a style of writing.
        package init(text: String, style: Style = .plain, tag: String? = nil) {
            self.text = text
            self.style = style
            self.tag = tag
        }

        /// Whether this is YAML's word for nothing.
        package var isNull: Bool {
            if let tag { return tag.sameBytes(as: Tag.null) }
            return style == .plain && text.utf8.count <= 4 && ["", "~", "null", "Null", "NULL"].contains(text)
        }
    }

    /// A key with its value. Keys of one mapping differ.
    package struct Pair: Hashable, Sendable {
        /// The text of the key.
        package let key: String
        /// Where the key stands.
        package let keySpan: Span
        /// What it is set to.
        package let value: Node

        /// A key with its value.
        package init(key: String, keySpan: Span, value: Node) {
            self.key = key
            self.keySpan = keySpan
            self.value = value
        }
    }

    /// How much a part of a document is.
    struct Size: Hashable, Sendable {
        /// How many parts.
        var nodes: Int
        /// How many bytes their texts have.
        var bytes: Int

        /// A collection, without what is in it.
        static let one = Size(nodes: 1, bytes: 0)

        init(nodes: Int, bytes: Int) {
            self.nodes = nodes
            self.bytes = bytes
        }

        init(of scalar: Scalar) {
            self.init(nodes: 1, bytes: scalar.text.utf8.count)
        }

        static func += (left: inout Size, right: Size) {
            left.nodes += right.nodes
            left.bytes += right.bytes
        }
    }

    /// What it is.
    package let content: Content
    /// Where it stands; for what an alias stands for, the place of the anchor.
    package let span: Span
    /// How much it is, itself and keys included.
    let size: Size
    /// How many collections are inside each other in it, itself included.
    let height: Int

    init(_ content: Content, span: Span, size: Size, height: Int) {
        self.content = content
        self.span = span
        self.size = size
        self.height = height
    }

    /// The same place with another text in it.
    package init(_ scalar: Scalar, span: Span) {
        self.init(.scalar(scalar), span: span, size: Size(of: scalar), height: 0)
    }

    /// The same place with other parts in it, which must not be more than there were.
    package func replacing(_ content: Content) -> Node {
        Node(content, span: span, size: size, height: height)
    }

    /// Where to point when the node as a whole is meant: a text, the first key of a block, or an opening bracket.
    package var headSpan: Span {
        switch content {
        case .scalar: return span
        case .mapping(let pairs):
            if let first = pairs.first, first.keySpan.start == span.start { return first.keySpan }
            return span.firstCharacter
        case .sequence: return span.firstCharacter
        }
    }

    /// Whether this is YAML's word for nothing, or nothing at all.
    package var isNull: Bool {
        if case .scalar(let scalar) = content { scalar.isNull } else { false }
    }

    /// The value of a key, when this is a mapping that has it.
    package subscript(key: String) -> Node? {
        guard case .mapping(let pairs) = content else { return nil }
        return pairs.first { $0.key.sameBytes(as: key) }?.value
    }
}

extension Node.Pair {
    /// How much it is, with its key.
    var size: Node.Size {
        var size = value.size
        size += Node.Size(nodes: 1, bytes: key.utf8.count)
        return size
    }
}

/// The tags that every YAML reader knows, in their long form.
enum Tag {
    /// The bytes of the longest of them, and some more.
    static let longest = 64
    static let null = "tag:yaml.org,2002:null"
    static let sequence = "tag:yaml.org,2002:seq"
    static let mapping = "tag:yaml.org,2002:map"
    static let merge = "tag:yaml.org,2002:merge"
    static let scalars: Set<String> = [
        null, merge, "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float",
        "tag:yaml.org,2002:bool",
    ]
}
