// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Where a definition stands, for messages.
package struct SourceMark: Hashable, Sendable, CustomStringConvertible {
    /// Path of the file; empty for a definition that came from no file.
    package let file: String
    /// Counted from 1.
    package let line: Int
    /// Counted from 1, in Unicode scalars.
    package let column: Int

    /// A place in a file.
    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// The mark of a definition that came from no file.
    package static let none = Self(file: "", line: 0, column: 0)

    /// `file:line:column`.
    package var description: String { "\(file):\(line):\(column)" }
}

// A definition that moved to another line or file asks for the same as before. What two configurations ask for is
// therefore compared by ``DaemonConfiguration/content``, and the definitions in it by theirs.

extension DaemonConfiguration {
    /// What is asked for: the same configuration without the marks of its definitions and the stamps of its files.
    package var content: DaemonConfiguration {
        var content = self
        content.stamps = FileStamps()
        // Each tunnel has its context, so this asks for nothing by itself.
        content.fallback = nil
        content.contexts = contexts.map(\.content)
        content.tunnels = tunnels.map(\.content)
        content.listeners = listeners.map(\.content)
        return content
    }
}

extension ContextDefinition {
    /// What is asked for: the same context without the places where it stands.
    package var content: ContextDefinition {
        ContextDefinition(name: name, engine: engine, credential: credential, transport: transport)
    }
}

extension TunnelDefinition {
    /// What is asked for: the same tunnel without the places where it and its context stand.
    package var content: TunnelDefinition {
        var content = self
        content.mark = .none
        content.context = context.content
        return content
    }
}

extension ListenerDefinition {
    /// What is asked for: the same listener without the places where it and its context stand.
    package var content: ListenerDefinition {
        var content = self
        content.mark = .none
        content.context = context.content
        return content
    }
}
