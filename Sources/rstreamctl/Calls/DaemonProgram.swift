// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import RstreamModel

/// The daemon's program, which does for `rstreamctl` what takes the configuration, its secrets and TLS: a check, and an
/// examination of everything up to the engine.
struct DaemonProgram: Sendable {
    /// What a run of the program came to.
    struct Result: Sendable {
        let status: ExitStatus
        /// The lines of its standard output.
        let output: [String]
    }

    private static let name = "rstreamd"

    private let path: String

    /// Finds the program that belongs to this one: beside it, or where packages put daemons, or in `$PATH`. Throws a
    /// ``Failure`` when it is at none of these places.
    init(environment: [String: String]) throws(Failure) {
        let candidates = Self.candidates(executable: Self.executable, searchPath: environment["PATH"])
        guard let path = candidates.first(where: { access($0, X_OK) == 0 }) else {
            throw Failure(
                .failed,
                "the program \(Self.name), which does this, is not beside rstreamctl and not in $PATH",
                "fix: install \(Self.name): the package has both programs"
            )
        }
        self.path = path
    }

    /// Where to look, for a program at `executable`.
    static func candidates(executable: String?, searchPath: String?) -> [String] {
        var folders: [String] = []
        if let executable, let slash = executable.lastIndex(ofByte: "/") {
            let folder = String(executable[..<slash])
            folders += [folder, "\(folder)/../sbin", "\(folder)/../bin"]
        }
        // An empty word of the path would be the working directory, where anyone may have put a program.
        folders += (searchPath ?? "").split(byte: ":").filter { $0.startsWithBytes(of: "/") }.map(String.init)
        return folders.map { "\($0)/\(name)" }
    }

    /// The file that this process runs; nil where the kernel does not say.
    private static var executable: String? {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &path, path.count)
        return count > 0 ? String(decoding: path[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
    }

    /// Runs the program to its end. `output` gets each line of its standard output as it comes, `errors` those of
    /// standard error, with this program's name where the other one put its own.
    ///
    /// Throws a ``Failure`` when the program cannot be started, or was ended by a signal.
    func run(
        _ arguments: [String],
        output: @escaping @Sendable (String) -> Void,
        errors: @escaping @Sendable (String) -> Void
    ) async throws(Failure) -> Result {
        let (end, lines): (ChildProcess.End, [String])
        do throws(SystemError) {
            (end, lines) = try await BlockingThreads.files.tryRun { [path] () throws(SystemError) in
                var lines: [String] = []
                let end = try ChildProcess.run(path, arguments) { line in
                    lines.append(line)
                    output(line)
                } errors: { line in
                    errors(Self.asOwn(line))
                }
                return (end, lines)
            }
        } catch {
            throw Failure(error.code == EACCES ? .notPermitted : .failed, "\(path): \(error)")
        }
        switch end {
        case .status(let status): return Result(status: ExitStatus(rawValue: status) ?? .failed, output: lines)
        case .signal(let number): throw Failure(.failed, "\(path) was ended by signal \(number)")
        }
    }

    /// A message of the program as one of this program.
    private static func asOwn(_ line: String) -> String {
        line.startsWithBytes(of: "\(name): ") ? "rstreamctl" + line.dropFirst(name.count) : line
    }
}
