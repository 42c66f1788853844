// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamDaemonModel
internal import RstreamModel

/// A check of a configuration that needs no daemon: `rstreamd --check`, which `rstreamctl check` runs.
package struct ConfigurationCheck: Sendable {
    /// The file as it was named.
    private let file: String
    private let result: Result<PassedCheck, ConfigurationError>

    /// Checks the daemon's own file at `file` with the rights of the user that is to read it, which this process keeps.
    package init(_ file: String, environment: [String: String]) {
        self.file = file
        let isUnitsFile = DaemonConfiguration.isUsualFile(file)
        let taken = CheckIdentity(of: .current, isUnitsFile: isUnitsFile).switchUser()
        var doubts: [Diagnostic] = []
        if let taken, taken.failure != nil {
            doubts.append(Diagnostic(severity: .warning, file: file, message: taken.description, hint: taken.fix))
        }
        do throws(ConfigurationError) {
            let loader = ConfigurationLoader(environment: environment, rule: .checking)
            // That user may not be let into the folder that this process works in.
            let passed = try loader.load(isUnitsFile ? DaemonPaths.configuration : file).checked()
            result = .success(PassedCheck(warnings: doubts + passed.warnings))
        } catch {
            result = .failure(ConfigurationError(kind: error.kind, diagnostics: doubts + error.diagnostics))
        }
    }

    private var diagnostics: [Diagnostic] {
        switch result {
        case .success(let passed): passed.warnings
        case .failure(let error): error.diagnostics
        }
    }

    /// Every error and warning, each with its line and a caret, for standard error; empty when there is none.
    package var complaints: String { diagnostics.map(\.description).joined(separator: "\n") }

    /// The last line about a configuration without errors; nil when it has some.
    package var verdict: String? { try? result.get().verdict(on: file) }

    /// The same as a document, see `CheckReport`.
    package var json: [UInt8] {
        let report = CheckReport(file: file, diagnostics: diagnostics.map(DiagnosticReport.init))
        return (try? AdminJSON.encode(report)) ?? []
    }

    /// 0, or 77 or 78 for an error (contract §2).
    package var exitStatus: Int32 {
        switch result {
        case .success: 0
        case .failure(let error): error.exitStatus
        }
    }
}

/// A check that found no error.
struct PassedCheck: Hashable, Sendable {
    let warnings: [Diagnostic]

    /// The last line about `file`.
    func verdict(on file: String) -> String {
        let verdict =
            switch warnings.count {
            case 0: "no mistakes"
            case 1: "no errors, 1 warning"
            case let count: "no errors, \(count) warnings"
            }
        return "\(file): \(verdict)".printable
    }
}
