// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamDaemonModel
package import RstreamModel

/// One entry of `tunnels`, checked, with its context found (RUN.md §2, contract §3.3).
package struct TunnelDefinition: Hashable, Sendable {
    /// Unique over all files, without white space at either end. Also in ``spec``.
    package var name: String
    /// Where its streams go: `forward` or `upstreams`. Never empty; no address is in it twice.
    package var targets: [UpstreamTarget]
    /// How they get there: `upstream`.
    package var options: UpstreamOptions
    /// Streams of this tunnel at once: `limits.streams`; zero for no limit of its own.
    package var streamLimit: Int
    /// What a reload that changes or removes the tunnel does to its streams: its own `reload.changed`, else the
    /// daemon's.
    package var disposition: StreamDisposition
    /// Whether its latest requests are kept in memory: `inspect`.
    package var isInspected: Bool
    /// Whether it is to be opened at all.
    package var isEnabled: Bool
    /// Whether it is closed at the engine for the time being, because none of its services is healthy. No file says so.
    package var isSuspended = false
    /// What the engine is asked for. No rule of it is broken, it is supported, and the labels that mark managed
    /// tunnels are in it.
    package var spec: TunnelSpec
    /// Where and as whom it is opened. Compare ``ContextDefinition/identity`` to share a session.
    package var context: ContextDefinition
    /// Where the entry stands.
    package var mark: SourceMark
    /// Who has opened it by hand; nil for a tunnel of the files.
    package var byHand: ByHand?

    /// The contract's defaults unless given.
    package init(
        name: String,
        targets: [UpstreamTarget],
        options: UpstreamOptions = UpstreamOptions(),
        streamLimit: Int = 0,
        disposition: StreamDisposition = .drain,
        isInspected: Bool = false,
        isEnabled: Bool = true,
        spec: TunnelSpec,
        context: ContextDefinition,
        mark: SourceMark = .none,
        byHand: ByHand? = nil
    ) {
        self.name = name
        self.targets = targets
        self.options = options
        self.streamLimit = streamLimit
        self.disposition = disposition
        self.isInspected = isInspected
        self.isEnabled = isEnabled
        self.spec = spec
        self.context = context
        self.mark = mark
        self.byHand = byHand
    }

    /// Who has opened a tunnel by hand, and how long it lasts.
    package struct ByHand: Hashable, Sendable {
        /// The number of the user.
        package let user: UInt32
        /// The process that asked for it, or has claimed it since.
        package let process: Int32
        /// Whether it stays when that process ends its connection.
        package let isDetached: Bool
        /// When its time is over; nil when it has no end of its own.
        package let endsAt: UTCTime?

        /// A tunnel of a user's process.
        package init(user: UInt32, process: Int32, isDetached: Bool, endsAt: UTCTime?) {
            self.user = user
            self.process = process
            self.isDetached = isDetached
            self.endsAt = endsAt
        }
    }
}

extension TunnelDefinition {
    /// Whether it is to be open at the engine now.
    package var isOpened: Bool { isEnabled && !isSuspended }

    /// The same with one service.
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
        self.init(
            name: name,
            targets: [UpstreamTarget(upstream)],
            options: options,
            streamLimit: streamLimit,
            disposition: disposition,
            isEnabled: isEnabled,
            spec: spec,
            context: context,
            mark: mark
        )
    }

    /// The address of a tunnel's only service; nil where `forward` cannot describe where streams go.
    package var upstream: UpstreamAddress? {
        get { targets.single?.address }
        set { targets = newValue.map { [UpstreamTarget($0)] } ?? targets }
    }
}
