// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Logging
internal import NIOCore
internal import Rstream
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamSocket

/// The joined life of a stream: carries bytes between its two halves until both are gone, and does what
/// ``RelayStateMachine`` decides about their end. ``StreamOpening`` makes the halves.
///
/// Confined to the stream's event loop, on which both halves live.
final class Relay: Sendable {
    /// Handlers refer to the relay and to each other, also those that never came into a pipeline.
    private struct Halves {
        let downstream: any Channel
        let upstream: any Channel
        let downstreamHandler: RelayHandler
        let upstreamHandler: RelayHandler
        let inspection: StreamInspection?
    }

    private struct State {
        var machine = RelayStateMachine()
        var outcomeTracker: StreamOutcomeTracker
        /// From the join to the end.
        var halves: Halves?
        var openHalves = 2
        var idleTimer: NIOScheduledCallback?
        var lingerTimer: NIOScheduledCallback?
    }

    /// How long a visitor whose service is gone may stay silent before its connection is closed.
    private static let lingerTimeout = TimeAmount.seconds(1)

    private let stream: RelayedStream
    private let idleTimeout: IdleTimeout?
    private let state: NIOLoopBoundBox<State>

    var counters: StreamCounters { stream.counters }

    /// A relay that cuts `stream` when it is silent for `idleTimeout`; never when that is nil.
    init(_ stream: RelayedStream, idleTimeout: Duration? = nil) {
        self.stream = stream
        self.idleTimeout = idleTimeout.map(IdleTimeout.init)
        state = .makeBoxSendingValue(
            State(outcomeTracker: StreamOutcomeTracker(visitor: stream.visitor)),
            eventLoop: stream.eventLoop
        )
    }

    // MARK: The join

    /// Joins the halves. `pending` stands at the end of the upstream's pipeline, unless the upstream is closed; the
    /// upstream gets `preface` before all else.
    func join(
        downstream: any Channel,
        upstream: any Channel,
        _ pending: PendingBytesHandler?,
        preface: ByteBuffer? = nil
    ) {
        let (notesActivity, inspection) = (idleTimeout != nil, stream.inspect())
        let down = RelayHandler(.downstream, relay: self, notesActivity: notesActivity, inspection: inspection)
        let up = RelayHandler(.upstream, relay: self, notesActivity: notesActivity, inspection: inspection)
        down.partner = up
        up.partner = down
        state.value.halves = Halves(
            downstream: downstream,
            upstream: upstream,
            downstreamHandler: down,
            upstreamHandler: up,
            inspection: inspection
        )
        stream.joins(by: self)
        if let preface { upstream.write(preface, promise: nil) }
        let remains = upstream.isActive ? nil : pending?.remains
        do {
            if remains == nil { try upstream.pipeline.syncOperations.addHandler(up) }
            try ArrivedStream(channel: downstream).start { channel in
                try channel.pipeline.syncOperations.addHandler(down)
            }
            if remains == nil, let pending {
                // The preface must leave even when the visitor waits for the service to speak first.
                upstream.flush()
                upstream.pipeline.syncOperations.removeHandler(pending, promise: nil)
            }
        } catch {
            // A pipeline takes no handler only when its channel is gone.
            let visitor = stream.visitor
            let isLeft = visitor == .upstream ? !upstream.isActive : !downstream.isActive
            if isLeft { return abort(.visitorReset) }
            return visitor == .upstream ? abort(.lost, .lostEngine) : abort(.upstreamReset, .resetUpstream)
        }
        stream.isRelaying()
        if let remains { up.endWith(remains) } else { up.start() }
        down.start()
        checkIdle()
    }

    // MARK: The end

    /// Resets both halves.
    func abort(_ outcome: StreamOutcome, _ error: RstreamError? = nil) {
        let halves = state.value.halves
        // Before the halves can report their own end.
        over(StreamOutcomeTracker.Verdict(outcome), error)
        halves?.downstream.abort()
        halves?.upstream.abort()
    }

    private func over(_ verdict: StreamOutcomeTracker.Verdict, _ error: RstreamError?) {
        guard let halves = state.value.halves else { return }
        state.value.halves = nil
        state.value.idleTimer?.cancel()
        state.value.idleTimer = nil
        state.value.lingerTimer?.cancel()
        state.value.lingerTimer = nil
        halves.downstreamHandler.part()
        halves.upstreamHandler.part()
        halves.inspection?.streamEnded()
        stream.ended(verdict, error)
    }

    // MARK: Silence

    /// A silent stream is reset: an orderly close could be taken for the end of the data, and would wait for ever for a
    /// peer that does not read.
    private func checkIdle() {
        guard let idleTimeout, let halves = state.value.halves else { return }
        let (down, up) = (halves.downstreamHandler, halves.upstreamHandler)
        switch idleTimeout.judge(lastActivity: max(down.lastActivity, up.lastActivity), at: .now) {
        case .look(let after): state.value.idleTimer = schedule(TimeAmount(after)) { self.checkIdle() }
        case .silent where down.isBeingTaken() || up.isBeingTaken(): checkIdle()
        case .silent:
            stream.logger.debug("stream idle timeout", metadata: ["stream_id": "\(stream.name)"])
            abort(.idle, .wasIdle)
        }
    }

    private func schedule(_ delay: TimeAmount, _ fire: @escaping () -> Void) -> NIOScheduledCallback? {
        stream.eventLoop.startTimer(in: delay, fire)
    }

    // MARK: How halves end

    func inputEnded(_ half: RelayStateMachine.Half) {
        state.value.outcomeTracker.inputEnded(half)
        state.value.halves?.inspection?.inputEnded(half)
        run(state.value.machine.inputEnded(half))
    }

    func outputClosed(_ half: RelayStateMachine.Half) { run(state.value.machine.outputClosed(half)) }

    func connectionLost(_ half: RelayStateMachine.Half, by loss: StreamOutcomeTracker.Loss) {
        state.value.outcomeTracker.connectionLost(half, by: loss, in: state.value.machine)
        run(state.value.machine.connectionLost(half, byReset: loss == .reset))
    }

    /// Bytes came from the half that lingers.
    func bytesArrived(_ half: RelayStateMachine.Half) { run(state.value.machine.bytesArrived(half)) }

    /// The connection of a half is gone for good.
    func halfClosed(_: RelayStateMachine.Half) {
        state.value.openHalves -= 1
        guard state.value.openHalves == 0 else { return }
        let (received, sent) = (counters.received, counters.sent)
        let fromVisitor = stream.visitor == .downstream ? received : sent
        let verdict = state.value.outcomeTracker.verdict(
            asked: fromVisitor > 0,
            answered: received + sent > fromVisitor
        )
        over(verdict, .ended(verdict, throughEngine: stream.visitor == .upstream))
    }

    private func run(_ action: RelayStateMachine.Action) {
        switch action {
        case .none: break
        case .closeOutput(let half): handler(half)?.closeOutput()
        case .stopReading(let half): handler(half)?.stopReading()
        case .closeBoth:
            handler(.downstream)?.close()
            handler(.upstream)?.close()
        case .abort(let half): handler(half)?.abort()
        case .linger(let half):
            state.value.lingerTimer = schedule(Self.lingerTimeout) {
                self.run(self.state.value.machine.lingerTimedOut())
            }
            handler(half)?.linger()
        case .dismiss(let half): handler(half)?.dismiss()
        }
    }

    private func handler(_ half: RelayStateMachine.Half) -> RelayHandler? {
        half == .downstream ? state.value.halves?.downstreamHandler : state.value.halves?.upstreamHandler
    }
}
