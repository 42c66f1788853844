// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamDaemonModel
package import RstreamModel

/// One entry of `tunnels`, checked, with its context found (RUN.md §2, contract §3.3).
package struct TunnelDefinition: Hashable, Sendable {
    /// Unique over all files, without white space at either end. Also in ``spec``.
    package var name: String
    /// Where its streams go: `forward`.
    package var upstream: UpstreamAddress
    /// How they get there: `upstream`.
    package var options: UpstreamOptions
    /// Streams of this tunnel at once: `limits.streams`; zero for no limit of its own.
    package var streamLimit: Int
    /// What a reload that changes or removes the tunnel does to its streams: its own `reload.changed`, else the
    /// daemon's.
    package var disposition: StreamDisposition
    /// Whether it is to be opened at all.
    package var isEnabled: Bool
    /// What the engine is asked for. No rule of it is broken, it is supported, and the labels that mark managed
    /// tunnels are in it.
    package var spec: TunnelSpec
    /// Where and as whom it is opened. Compare ``ContextDefinition/identity`` to share a session.
    package var context: ContextDefinition
    /// Where the entry stands.
    package var mark: SourceMark

    /// The contract's defaults unless given.
    package init(
        name: String,
        upstream: UpstreamAddress,
        options: UpstreamOptions = UpstreamOptions(),
        streamLimit: Int = 0,
        disposition: StreamDisposition = .drain,
        isEnabled: Bool = true,
        spec: TunnelSpec,
        context: ContextDefinition,
        mark: SourceMark = .none
    ) {
        self.name = name
        self.upstream = upstream
        self.options = options
        self.streamLimit = streamLimit
        self.disposition = disposition
        self.isEnabled = isEnabled
        self.spec = spec
        self.context = context
        self.mark = mark
    }
}
