internal import Linux
internal import Logging
internal import NIOCore
internal import RstreamCore
internal import RstreamModel

/// Tells when the host's network is another one: addresses and routes that came or went, and sleep (contract §4).
///
/// Several changes at once are told once. Without netlink, as in a sandbox that forbids it, only sleep is seen.
struct NetworkWatcher: Sendable {
    private let eventLoop: any EventLoop
    private let logger: Logger
    private let changed: @Sendable (String) -> Void

    /// How often the clocks are compared.
    private static let interval = Duration.seconds(5)
    /// Addresses and routes come in series, when an interface comes up.
    private static let quiet = Duration.milliseconds(250)
    /// An attempt to connect begins anew with each report, and has to get somewhere also where a network never rests.
    private static let rest = Duration.seconds(5)

    /// `changed` is told what was seen.
    init(on eventLoop: any EventLoop, logger: Logger, changed: @escaping @Sendable (String) -> Void) {
        self.eventLoop = eventLoop
        self.logger = logger
        self.changed = changed
    }

    /// Watches until it is cancelled.
    func run() async {
        let debouncer = Debouncer(on: eventLoop, Debounce(quiet: Self.quiet, pause: Self.rest)) { [changed] in
            changed("addresses or routes")
        }
        var channel = await open(debouncer)
        var meter = SuspendMeter()
        while (try? await pause(for: Self.interval)) != nil {
            if let slept = meter.slept() { changed("slept for \(slept.secondsText)") }
            // More changes than the kernel keeps end the channel.
            if let old = channel, !old.isActive { channel = await open(debouncer) }
        }
        channel?.close(promise: nil)
    }

    private func open(_ debouncer: Debouncer) async -> (any Channel)? {
        do {
            let watch = try NetworkWatch()
            let channel = try await DescriptorReader.read(watch.descriptor, on: eventLoop) { bytes in
                if NetworkWatch.isChange(bytes) { debouncer.changed() }
            }
            // Whatever was lost with it was a change.
            channel.closeFuture.whenComplete { _ in debouncer.changed() }
            return channel
        } catch {
            logger.info("network watch failed", metadata: [LogKey.error: "\(WatchFailure.words(error))"])
            return nil
        }
    }
}
