// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamDaemonModel
package import RstreamModel

/// One entry of `listeners`: connections to it are forwarded to a private tunnel (contract §3.4).
package struct ListenerDefinition: Hashable, Sendable {
    /// Unique over all files, without white space at either end.
    package var name: String
    /// Where connections are taken. No other listener has it.
    package var listen: ListenAddress
    /// Id or name of the private tunnel: `dial`.
    @Bytewise package var target: String
    /// How connections are taken and dialed for.
    package var options: ListenerOptions
    /// The engine to dial through, and the credential for it.
    package var context: ContextDefinition
    /// Where the entry stands.
    package var mark: SourceMark

    /// A listener, with the defaults unless given.
    package init(
        name: String,
        listen: ListenAddress,
        target: String,
        options: ListenerOptions = ListenerOptions(),
        context: ContextDefinition,
        mark: SourceMark = .none
    ) {
        self.name = name
        self.listen = listen
        self.target = target
        self.options = options
        self.context = context
        self.mark = mark
    }
}
