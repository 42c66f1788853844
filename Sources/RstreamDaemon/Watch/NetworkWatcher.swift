// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import NIOCore
internal import RstreamCore
internal import RstreamModel

/// Reports changes of the host's addresses and routes, and the end of a sleep (contract §4).
///
/// A series of changes is reported once. Without netlink, as in some sandboxes, only sleep is noticed.
struct NetworkWatcher: Sendable {
    private let eventLoop: any EventLoop
    private let logger: Logger
    private let changed: @Sendable (String) -> Void

    /// How often the clocks are compared.
    private static let interval = Duration.seconds(5)
    /// An interface that comes up causes a series of changes.
    private static let quiet = Duration.milliseconds(250)
    /// Each report restarts attempts to connect, which need some time even where the network changes all the time.
    private static let reportInterval = Duration.seconds(5)

    /// `changed` gets a description of the change.
    init(on eventLoop: any EventLoop, logger: Logger, changed: @escaping @Sendable (String) -> Void) {
        self.eventLoop = eventLoop
        self.logger = logger
        self.changed = changed
    }

    /// Watches until it is cancelled.
    func run() async {
        let debouncer = Debouncer(on: eventLoop, Debounce(quiet: Self.quiet, pause: Self.reportInterval)) { [changed] in
            changed("addresses or routes")
        }
        var channel = await open(debouncer)
        var meter = SuspendMeter()
        while (try? await pause(for: Self.interval)) != nil {
            if let slept = meter.slept() { changed("slept for \(slept.secondsText)") }
            // The channel ends when the kernel drops changes because there are too many.
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
            // The changes that the kernel has dropped.
            channel.closeFuture.whenComplete { _ in debouncer.changed() }
            return channel
        } catch {
            logger.info("network watch failed", metadata: [LogKey.error: "\(WatchFailure.description(of: error))"])
            return nil
        }
    }
}
