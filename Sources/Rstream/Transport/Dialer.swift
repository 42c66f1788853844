// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import NIOCore
internal import NIOPosix
internal import RstreamCore
internal import RstreamModel
internal import RstreamSocket

/// Opens TCP connections to an engine, a control plane or a proxy, for ``EngineConnector`` and ``ControlPlane``.
///
/// The addresses of a name race each other (RFC 8305), which NIO does. The winner's pipeline contains only an
/// ``OrderlyCloseHandler``, and nothing is read yet: the caller adds its handlers afterwards, once, and not to each
/// racer.
///
/// Keepalive probes detect a lost peer of an idle connection. `TCP_USER_TIMEOUT` would detect it sooner while bytes are
/// unsent, but would also cut connections to visitors that do not read for that long, which back pressure causes. The
/// control channel has heartbeats for that.
///
/// Immutable.
struct Dialer: Sendable {
    let bind: TransportOptions.Bind?
    let ipFamily: TransportOptions.IPFamily?
    let multipath: Bool

    init(_ options: TransportOptions) {
        bind = options.bind
        ipFamily = options.ipFamily
        multipath = options.multipath
    }

    /// Dials `address`, resolved with `names`, at the addresses that `rule` permits.
    func dial(
        _ address: EngineAddress,
        under rule: RedirectRule? = nil,
        names: NameService,
        on eventLoop: any EventLoop,
        within timeout: Duration
    ) -> EventLoopFuture<any Channel> {
        guard case .interface? = bind else {
            do {
                let local = try LocalAddresses(bind: bind, ipFamily: ipFamily)
                return dial(address, from: local, under: rule, names: names, on: eventLoop, within: timeout)
            } catch {
                return eventLoop.makeFailedFuture(error)
            }
        }
        // The kernel lists the addresses of an interface, which may block.
        return BlockingThreads.kernel.run(on: eventLoop) { try LocalAddresses(bind: bind, ipFamily: ipFamily) }
            .flatMap { local in
                dial(address, from: local, under: rule, names: names, on: eventLoop, within: timeout)
            }
    }

    private func dial(
        _ address: EngineAddress,
        from local: LocalAddresses,
        under rule: RedirectRule?,
        names: NameService,
        on eventLoop: any EventLoop,
        within timeout: Duration
    ) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .enableMPTCP(multipath && Self.hasMultipath)
            .channelInitializer { channel in
                guard let bound = local.bind(channel) else { return Self.prepare(channel) }
                return bound.flatMap { Self.prepare(channel) }
            }
        let connected = names.connect(
            bootstrap,
            to: address.host,
            port: address.port,
            families: local.families,
            under: rule,
            within: timeout,
            on: eventLoop
        )
        // By the next tick the pipeline, still without the caller's handlers, has seen channelActive.
        return connected.flatMap { channel in eventLoop.submit { channel } }
    }

    private static func prepare(_ channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            try StreamSocket.prepareTCP(channel)
            try channel.pipeline.syncOperations.addHandler(OrderlyCloseHandler())
        }
    }

    /// Whether the kernel supports multipath TCP now; a sysctl can change that at any time.
    private static var hasMultipath: Bool {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), protocolMPTCP)
        guard descriptor >= 0 else { return false }
        close(descriptor)
        return true
    }

    private static let protocolMPTCP: CInt = 262
}

/// An IP literal of a family that `ipFamily` or the local address excludes.
struct AddressFamilyMismatch: Error {
    let address: IPAddress
}
