internal import Glibc
internal import Linux
internal import RstreamConfig
internal import RstreamModel

/// This host: whether the daemon may open as many descriptors as it is told to need, and whether the clock is right.
struct HostExamination {
    let configuration: DaemonConfiguration?
    let daemonProcess: Int?

    func run(_ report: (Finding) async -> Void) async {
        await report(limits)
        await report(clock)
    }

    private var limits: Finding {
        guard let limit = Self.descriptorLimit(of: daemonProcess) else {
            return Finding("limits", .skip, "the daemon's limit of descriptors cannot be read")
        }
        let whose = daemonProcess == nil ? "this process" : "the daemon"
        let wanted = configuration?.limits.streams ?? 0
        let room = DescriptorBudget(
            limit: limit,
            fixed: DescriptorBudget.Fixed(
                contexts: configuration?.contexts.count ?? 1,
                listeners: configuration?.listenerSockets ?? 0
            )
        ).streams
        let detail = "\(whose) may open \(limit) descriptors, room for \(room) streams"
        guard room < wanted || limit < 1_024 else { return Finding("limits", .ok, detail) }
        return Finding("limits", .warn, detail, fix: "raise LimitNOFILE= of the service, or lower limits.streams")
    }

    /// The hard limit, which the daemon raises its own to.
    private static func descriptorLimit(of process: Int?) -> Int? {
        guard let process else { return FileDescriptors.hardLimit }
        guard let text = contents(of: "/proc/\(process)/limits") else { return nil }
        let line = text.split(byte: "\n").first { $0.startsWithBytes(of: "Max open files") }
        return line?.split(byte: " ").dropFirst(4).first.flatMap { Int($0) }
    }

    private var clock: Finding {
        switch ClockState.current {
        case .synchronised: return Finding("clock", .ok, "synchronised")
        case .unsynchronised:
            let fix = "enable time synchronisation: timedatectl set-ntp true"
            return Finding("clock", .warn, "nothing keeps it right; tokens and certificates are judged by it", fix: fix)
        case .unknown: return Finding("clock", .skip, "the kernel does not tell whether it is right")
        }
    }

    static func contents(of path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var chunk = [UInt8](repeating: 0, count: 16_384)
        let count = read(descriptor, &chunk, chunk.count)
        return count > 0 ? String(decoding: chunk[..<count], as: UTF8.self) : nil
    }
}
