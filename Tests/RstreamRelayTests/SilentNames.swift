import NIOCore
import Rstream
import RstreamModel
import Synchronization

/// A name server that says nothing until it is told to, and then says that every name is at 127.0.0.1.
final class SilentNames: AddressSource {
    private let waiting = Mutex<[EventLoopPromise<NameAnswer>]>([])

    init() {}

    /// How many questions wait.
    var count: Int { waiting.withLock { $0.count } }

    func lookUp(_ question: NameQuestion, on eventLoop: any EventLoop) -> EventLoopFuture<NameAnswer> {
        let promise = eventLoop.makePromise(of: NameAnswer.self)
        waiting.withLock { $0.append(promise) }
        return promise.futureResult.map { answer in
            NameAnswer(addresses: question.family == .ipv4 ? [.v4(0x7F00_0001)] : [])
        }
    }

    /// Answers whoever waits now.
    func speak() {
        let promises = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        for promise in promises { promise.succeed(NameAnswer(addresses: [])) }
    }
}
