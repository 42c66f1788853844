import RstreamModel

/// The misbehaviours in force, and how often each may still happen.
///
/// A hook asks for its fault by name at the moment it could happen; asking uses up one of a limited count.
struct FaultPlan {
    private var faults: [FaultName: Fault] = [:]

    init(_ faults: [Fault] = []) {
        for fault in faults { self.faults[fault.name] = fault }
    }

    /// Whether this fault happens now.
    mutating func take(_ name: FaultName) -> Bool {
        value(of: name) != nil
    }

    /// The number of a fault that takes one, if it happens now.
    mutating func number(_ name: FaultName) -> Int? {
        guard case .number(let number) = value(of: name) else { return nil }
        return number
    }

    /// The error of a fault that takes one, if it happens now.
    mutating func error(_ name: FaultName) -> EngineError? {
        guard case .error(let error) = value(of: name) else { return nil }
        return error
    }

    private mutating func value(of name: FaultName) -> Fault.Value? {
        guard let fault = faults[name] else { return nil }
        if let count = fault.count {
            faults[name] = count > 1 ? Fault(name, value: fault.value, count: count - 1) : nil
        }
        return fault.value
    }
}
