internal import NIOCore
internal import NIOPosix

/// Returns after `duration`, or throws as soon as the task is cancelled. The timer is an event loop's; see
/// ``TaskThreads`` for what is wrong with `Task.sleep`.
func pause(for duration: Duration) async throws {
    let timer = MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: TimeAmount(duration)) {}
    try await withTaskCancellationHandler {
        try await timer.futureResult.get()
    } onCancel: {
        timer.cancel()
    }
}
