// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import Logging
internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamModel
internal import RstreamRelay

/// What a daemon does that was taken over from: its streams last until they end, or until their time is over.
extension Daemon {
    /// How long control channels stay for streams that are just being opened.
    private static let openingTime = Duration.seconds(5)
    private static let reportInterval = Duration.seconds(1)

    /// Returns when the last stream has ended, and the last one of a process before this one.
    func retire(
        _ running: RunningConfiguration,
        _ retirement: Retirement,
        in group: inout DiscardingTaskGroup
    ) async {
        let (link, stop) = (retirement.link, running.configuration.drain.timeout)
        var (reporter, until) = (retirement.reporter, retirement.until)
        logger.notice(
            "handed over, streams may end",
            metadata: [
                LogKey.streams: .stringConvertible(streams.activeCount),
                LogKey.timeout: .stringConvertible(retirement.drain),
            ]
        )
        for session in running.sessions { session.drain() }
        running.endInspections()
        let deadline = DelayedCall()
        cut(after: retirement.drain, deadline)
        group.addTask { [streams, send] in
            await streams.drain()
            send.yield(.upgrade(.drained))
        }
        let (opening, next) = (DelayedCall(), DelayedCall())
        opening.set(Self.openingTime) { [sessions = running.sessions] in for session in sessions { session.finish() } }
        var (isDrained, isAsked) = (false, false)
        send.yield(.upgrade(.reportDue))
        for await request in requests {
            switch request {
            case .upgrade(.drained): isDrained = true
            case .upgrade(.reportDue):
                // A successor that does not read gets the latest figures when it does.
                if link.isIdle { reporter.report(streams.activeCount, until: until, statusStore) }
                next.set(Self.reportInterval) { [send] in send.yield(.upgrade(.reportDue)) }
            case .upgrade(.link(_, .message(.listStreams(let question), _))): tell(link, question)
            case .upgrade(.link(_, .message(.cutStream(let question, let process, let stream), _))):
                cut(stream, of: process, link, question)
            // Answers of a process before this one, which only it can give.
            case .succession(.link(.message(let message, _))): link.send(message)
            case .upgrade(.link(_, .message(.stop(let seconds), _))):
                let left = Duration.seconds(min(max(seconds, 0), 1e9))
                (isAsked, until) = (true, min(until, UTCTime.now.advanced(by: left)))
                succession?.link.send(.stop(withinSeconds: seconds))
                cut(after: UTCTime.now.duration(to: until), deadline)
            // Where systemd runs this process it keeps the other end, too, until the service has stopped.
            case .upgrade(.link(_, .ended)) where standIn != nil && !isAsked,
                .stop where !isAsked:
                (isAsked, until) = (true, min(until, UTCTime.now.advanced(by: stop)))
                cut(after: UTCTime.now.duration(to: until), deadline)
            case .upgrade(.restart(let reply)): reply.answer(.stops)
            case .operatorRequest(let request): request.refuse()
            case .probe(let answer): answer()
            case .upgrade, .succession, .reload, .networkChanged, .filesChanged, .servabilityChanged, .connectionEnded,
                .timePassed, .stop:
                break
            }
            if isDrained, succession?.isOver != false { break }
        }
        for timer in [opening, next, deadline] { timer.cancel() }
        for session in running.sessions { session.finish() }
        reporter.report(0, until: until, statusStore)
        // The end of the process ends the connection: a successor that stops waits for that.
        await link.flush()
    }

    /// Tells which streams are open, and has the process before this one tell the rest.
    private func tell(_ link: UpgradeLink, _ question: Int) {
        let process = Int(getpid())
        let open = statusStore.streamStatuses(of: nil).prefix(PreviousStreams.most).map { $0.left(in: process) }
        for start in stride(from: 0, to: open.count, by: PreviousStreams.part) {
            let end = min(start + PreviousStreams.part, open.count)
            link.send(.streams(question: question, Array(open[start..<end])))
        }
        if let succession, !succession.isOver {
            succession.link.send(.listStreams(question: question))
        } else {
            link.send(.answered(question: question, isFound: true))
        }
    }

    private func cut(_ stream: UInt64, of process: Int, _ link: UpgradeLink, _ question: Int) {
        if process != Int(getpid()), let succession, !succession.isOver {
            succession.link.send(.cutStream(question: question, process: process, stream: stream))
        } else {
            let isFound = process == Int(getpid()) && streams.cut(stream)
            link.send(.answered(question: question, isFound: isFound))
        }
    }

    private func cut(after wait: Duration, _ deadline: DelayedCall) {
        deadline.set(max(wait, .zero)) { [streams, logger] in
            let left = streams.activeCount
            guard left > 0 else { return }
            logger.warning("drain timed out, cutting streams", metadata: [LogKey.streams: .stringConvertible(left)])
            streams.cut()
        }
    }
}
