package import NIOCore
import RstreamModel

/// Everything an engine is started with.
package struct DevEngineConfiguration: Sendable {
    /// Address to listen on; port 0 takes a free one.
    package var listenHost = "127.0.0.1"
    package var listenPort = 0
    /// Name of the engine; published names are `<label>.t.<host>`.
    package var host = "localhost"
    /// Folder of the certificate authority; nil is one in the user's runtime folder, or else one
    /// of its own below the temporary folder, which goes when the engine does.
    package var stateDirectory: String?
    /// Nil makes a random token and keeps it in the state folder.
    package var authentication: Authentication?
    /// What is granted as liveness timeout, unless the interval asked for is longer.
    package var livenessTimeout = TimeAmount.seconds(15)
    /// Behave like an engine that knows no liveness.
    package var isLegacy = false
    /// PEM files of the certificates that stand for a token.
    package var registeredCertificates: [String] = []
    package var patience = Patience()
    package var faults: [Fault] = []

    package init() {}

    /// ``listenHost`` as it stands in front of a port.
    var listenText: String { listenHost.contains(byte: ":") ? "[\(listenHost)]" : listenHost }

    /// What a redirected agent is told to dial: another name than the one it came by, which resolves without DNS as
    /// long as the engine is on this machine.
    var redirectHost: String { ["127.0.0.1", "::1"].contains(listenHost) ? "localhost" : host }
}
