internal import RstreamConfig
internal import RstreamCore
internal import RstreamModel
internal import Synchronization

/// The address that a tunnel was last granted, for when it is opened again after it was disabled, perhaps by another
/// session. Guarded by a mutex.
final class KeptAddress: Sendable {
    private let last = Mutex<TunnelStateMachine?>(nil)

    /// What was granted to this one is what the next one asks for.
    func keep(_ machine: TunnelStateMachine) { last.withLock { $0 = machine } }

    /// Has a tunnel that is not open yet ask for it.
    func hand(to machine: inout TunnelStateMachine) {
        if let last = last.withLock({ $0 }) { machine.inherit(from: last) }
    }
}

/// What a tunnel has to agree in with the one before to have its address. The context is not among it: it may have another
/// name by now.
struct AddressPlace: Hashable, Sendable {
    private let tunnel: String
    private let engine: EngineLocation
    private let kind: String?

    init(_ definition: TunnelDefinition) {
        tunnel = definition.name
        engine = definition.context.engine
        kind = definition.spec.properties.protocol
    }
}
