// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore
import RstreamModel

/// Everything an engine is started with.
package struct DevEngineConfiguration: Sendable {
    /// Address to listen on; port 0 takes a free one.
    package var listenHost = "127.0.0.1"
    package var listenPort = 0
    /// Name of the engine; published names are `<label>.t.<host>`.
    package var host = "localhost"
    /// Folder of the certificate authority; nil takes one in the user's runtime folder, or else a new one in the
    /// temporary folder, which is removed when the engine stops.
    package var stateDirectory: String?
    /// Nil makes a random token and keeps it in the state folder.
    package var authentication: Authentication?
    /// The liveness timeout to grant, unless the requested interval is longer.
    package var livenessTimeout = TimeAmount.seconds(15)
    /// Behave like an engine without liveness.
    package var isLegacy = false
    /// PEM files of client certificates that are accepted instead of a token.
    package var registeredCertificates: [String] = []
    package var timeouts = Timeouts()
    package var capacity = Capacity()
    package var faults: [Fault] = []

    package init() {}

    /// ``listenHost`` as written in front of a port.
    var listenText: String { listenHost.contains(byte: ":") ? "[\(listenHost)]" : listenHost }

    /// The host of a redirect: another name than the one the agent dialed, which resolves without DNS on this machine.
    var redirectHost: String { ["127.0.0.1", "::1"].contains(listenHost) ? "localhost" : host }
}
