// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import RstreamConfig

/// How this program was started, so that the one at its path can be started in the same way.
///
/// The path is the one of the start: an upgrade puts another program there, and `/proc/self/exe` still means the old one.
package struct ProgramStart: Hashable, Sendable {
    package let path: String
    package let arguments: [String]

    /// Of this process. Has to be called at its start. Nil where the path cannot be known.
    package static func current(_ words: [String]) -> ProgramStart? {
        guard let name = words.first else { return nil }
        let arguments = Array(words.dropFirst())
        // A name without a slash was looked for in PATH.
        if name.utf8.contains(UInt8(ascii: "/")) {
            return ProgramStart(path: Path.absolute(name), arguments: arguments)
        }
        return ExecutableFile.path.map { ProgramStart(path: $0, arguments: arguments) }
    }

    package init(path: String, arguments: [String]) { (self.path, self.arguments) = (path, arguments) }

    /// The descriptor that the new program finds the connection at.
    private static let descriptor: CInt = 3
    /// Variables that are about this process only: its number, and descriptors that it has taken.
    private static let own: Set<String> = [
        "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID", "SYSTEMD_EXEC_PID",
        Succession.variable,
    ]

    /// Starts the program beside this one. Has to be called on a thread that may block.
    ///
    /// - Returns: Its process, which only starts another one and ends.
    func start(passing socket: RecordSocket) throws(SystemError) -> Int32 {
        let variables = ProcessEnvironment.variables.filter { !Self.own.contains($0.key) }
        return try ChildProcess.start(
            path,
            arguments,
            variables: variables.map { "\($0.key)=\($0.value)" } + ["\(Succession.variable)=\(Self.descriptor)"],
            passing: socket.descriptor,
            as: Self.descriptor
        )
    }
}
