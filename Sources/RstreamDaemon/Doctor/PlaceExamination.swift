// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamModel
internal import RstreamRelay
internal import RstreamSocket

/// Whether a daemon could listen where the configuration says: on the admin socket, for metrics and the page, with
/// listeners.
///
/// Each address is bound and released at once, while no daemon runs. One that runs has these addresses itself, and
/// reports those that it could not bind.
struct PlaceExamination {
    private let configuration: DaemonConfiguration
    private let daemon: DaemonPresence

    init(_ configuration: DaemonConfiguration, daemon: DaemonPresence) {
        self.configuration = configuration
        self.daemon = daemon
    }

    func run(_ report: (Finding) async -> Void) async {
        switch daemon {
        case .answers: break
        case .unknown:
            let hasPort = AdminPort.allCases.contains { $0.address(in: configuration) != nil }
            guard hasPort || !configuration.listeners.isEmpty else { break }
            await report(Finding("listeners", .skip, "not tried: the daemon may listen there, and does not answer"))
        case .gone(nil): await tryPlaces(of: nil, report)
        case .gone(let unit?):
            let user = IntendedReader.daemonUser
            let isStranger = await BlockingThreads.accounts.run {
                geteuid() != 0 && Accounts.host.user(user) != geteuid()
            }
            guard !isStranger else {
                return await report(
                    Finding("listeners", .skip, "not tried: only root and \(user) can", fix: "use sudo")
                )
            }
            await tryPlaces(of: unit, report)
        }
    }

    private func tryPlaces(of unit: UnitState?, _ report: (Finding) async -> Void) async {
        if configuration.admin.hasSocket {
            let path = configuration.admin.socket
            guard await !BlockingThreads.sockets.run({ Self.isHeld(path) }) else {
                // The other addresses are that daemon's, too.
                let fix = "ask it there: rstreamctl doctor --socket \(path.shellWord)"
                return await report(
                    Finding("admin", .warn, "another process listens at \(path), perhaps the daemon", fix: fix)
                )
            }
            await report(await adminSocket(path, of: unit))
        }
        for port in AdminPort.allCases {
            guard let address = port.address(in: configuration) else { continue }
            await report(await place(port.check, at: address, of: unit, for: port.setting, takesIPv4: true))
        }
        for listener in configuration.listeners {
            let setting = "listen at \(listener.mark)"
            await report(await place("listeners", listener.name, at: listener.listen, of: unit, for: setting))
        }
    }

    private func place(
        _ check: String,
        _ subject: String? = nil,
        at address: ListenAddress,
        called name: String? = nil,
        of unit: UnitState?,
        for setting: String,
        takesIPv4: Bool = false
    ) async -> Finding {
        switch address {
        case .tcp(_, 1..<1_024) where unit?.mayTakeLowPorts == true && geteuid() != 0:
            return Finding(check, .skip, of: subject, "\(address) can be bound by the unit only (AmbientCapabilities=)")
        case .unix(let path) where unit != nil && Self.isMadeBySystemd(Path.directory(of: path)):
            return Finding(check, .skip, of: subject, "systemd creates the folder of \(path) when the unit starts")
        case .tcp, .unix: break
        }
        if let error = await address.probe(for: setting, called: name, takesIPv4: takesIPv4) {
            return Finding(check, .fail, of: subject, error.what, fix: error.fix)
        }
        return Finding(check, .ok, of: subject, "\(name ?? address.description) is free")
    }

    /// Whether this folder is missing, and created when the unit starts.
    private static func isMadeBySystemd(_ folder: String) -> Bool {
        ["/run/rstreamd", "/var/lib/rstreamd"].contains { folder.sameBytes(as: $0) } && access(folder, F_OK) != 0
    }

    // MARK: The admin socket

    private static func isHeld(_ path: String) -> Bool {
        MayBlock.now("stat")
        return FileStatus(path)?.kind == .socket && (try? UnixSocket.isHeld(path: path)) == true
    }

    /// The daemon creates the folder of its admin socket, if it can.
    private func adminSocket(_ path: String, of unit: UnitState?) async -> Finding {
        let folder = Path.directory(of: path)
        guard access(folder, F_OK) != 0, unit == nil || !Self.isMadeBySystemd(folder) else {
            return await place("admin", at: .unix(path: path), called: path, of: unit, for: "admin.socket")
        }
        // Not `access`, which uses the real user: root, where root has taken the daemon's rights.
        guard faccessat(AT_FDCWD, Path.directory(of: folder), W_OK | X_OK, AT_EACCESS) == 0 else {
            let what = "cannot listen on \(path): the folder \(folder) is missing and cannot be created"
            let fix = "create the folder, or set admin.socket to a path elsewhere, or to none"
            return Finding("admin", .fail, what, fix: fix)
        }
        return Finding("admin", .ok, "the daemon creates \(folder)")
    }
}
