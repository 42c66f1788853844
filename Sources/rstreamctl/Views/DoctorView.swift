// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin

/// `rstreamctl doctor`: a line for each finding, and what to do below it.
struct DoctorView: Hashable, Sendable {
    /// As wide as the longest name of a check.
    private static let width = 11

    let lines: [Line]

    init(_ finding: Finding) {
        let name = finding.check + String(repeating: " ", count: max(0, Self.width - finding.check.count))
        let verdict =
            finding.verdict.rawValue + String(repeating: " ", count: max(0, 4 - finding.verdict.rawValue.count))
        let subject = finding.subject.map { "\($0): " } ?? ""
        let line = Line([
            Piece("\(name) "), Piece(verdict, finding.verdict.tone), Piece("  \(subject)\(finding.detail)"),
        ])
        let fix = finding.fix.map { [Line(String(repeating: " ", count: Self.width + 7) + "fix: \($0)")] } ?? []
        lines = [line] + fix
    }

    /// The last line.
    static func summary(_ findings: [Finding]) -> Line {
        let failures = findings.count { $0.verdict == .fail }
        let warnings = findings.count { $0.verdict == .warn }
        if failures > 0 { return Line("\(failures) failed, \(warnings) to look at", .bad) }
        return warnings > 0 ? Line("\(warnings) to look at", .waiting) : Line("all well", .good)
    }
}

extension Finding.Verdict {
    var tone: Tone {
        switch self {
        case .ok: .good
        case .warn: .waiting
        case .fail: .bad
        case .skip: .faint
        }
    }
}
