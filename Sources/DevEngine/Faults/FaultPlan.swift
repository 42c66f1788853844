// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel

/// The active faults, and how often each may still be injected.
///
/// Code that can inject a fault takes it by name; that uses up one of a limited count.
struct FaultPlan {
    private var faults: [FaultName: Fault] = [:]

    init(_ faults: [Fault] = []) {
        for fault in faults { self.faults[fault.name] = fault }
    }

    /// Whether to inject this fault now.
    mutating func take(_ name: FaultName) -> Bool {
        value(of: name) != nil
    }

    /// The number of a fault that has one, if it is to be injected now.
    mutating func number(_ name: FaultName) -> Int? {
        guard case .number(let number) = value(of: name) else { return nil }
        return number
    }

    /// The error of a fault that has one, if it is to be injected now.
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
