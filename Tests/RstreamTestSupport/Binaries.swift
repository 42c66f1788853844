// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc

/// Where the programs are that tests start: the daemon, the development engine, and Python with the official SDK.
///
/// A missing program is an error that says how to build it, never a reason to skip a test.
package enum Binaries {
    /// A program that the tests need and that is not there.
    package struct Missing: Error, CustomStringConvertible {
        package let description: String
    }

    /// Whether the programs are release builds, which need no longer timeouts.
    package static var areRelease: Bool { environment("RSTREAM_BIN") != nil }

    /// The programs of this package.
    static let names = ["rstreamd", "rstreamctl", "rstreamd-docker", "rstream-dev-engine"]

    /// The path of `rstreamd` or `rstream-dev-engine`.
    package static func path(of name: String) throws -> String {
        let folder = environment("RSTREAM_BIN") ?? buildFolder
        let path = "\(folder)/\(name)"
        guard access(path, X_OK) == 0 else {
            throw Missing(description: "\(path) is not there; `swift build --product \(name)` makes it")
        }
        return path
    }

    /// The folder of the Swift libraries that debug builds are linked with.
    package static func swiftLibraries() throws -> String {
        let maps = ProcessFacts.text(of: getpid(), "maps")
        guard let path = maps.split(separator: " ").first(where: { $0.contains("/libswiftCore.so") }),
            let name = path.split(separator: "\n").first, let slash = name.lastIndex(of: "/")
        else { throw Missing(description: "the tests are not linked with libswiftCore.so") }
        return String(name[..<slash])
    }

    /// A Python that has the official SDK.
    package static func python() throws -> String {
        let path = environment("RSTREAM_JUDGE_PYTHON") ?? packageRoot + "/.venv/bin/python"
        guard access(path, X_OK) == 0 else {
            throw Missing(description: "\(path) is not there; `make test` makes it, or set RSTREAM_JUDGE_PYTHON")
        }
        return path
    }

    /// Whether everything has to be tested here, as the gate wants it: where something that a test needs is missing, the
    /// test finds out by failing, and is not left out.
    package static let mustBeComplete = environment("CI") == "true"

    /// Whether the tests run as the service, in its sandbox, and not as a developer's program.
    package static let areSandboxed = environment("RSTREAM_SANDBOXED") != nil

    /// The folder of `Package.swift`: where it was when the tests were compiled, unless it is said.
    package static let packageRoot: String = {
        if let folder = environment("RSTREAM_SOURCE") { return folder }
        let parts = #filePath.split(separator: "/").dropLast(3)
        return "/" + parts.joined(separator: "/")
    }()

    /// The value of an environment variable that is set to something.
    package static func environment(_ name: String) -> String? {
        guard let text = getenv(name).map({ String(cString: $0) }), !text.isEmpty else { return nil }
        return text
    }

    /// Where the running test executable was built, which is where the programs were built too: debug builds, which know
    /// switches that the programs that are shipped do not have.
    package static var buildFolder: String {
        let executable = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        guard let slash = executable.lastIndex(of: "/"), executable.hasSuffix(".xctest") else {
            return packageRoot + "/.build/debug"
        }
        return String(executable[..<slash])
    }
}
