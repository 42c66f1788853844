// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Glibc
internal import Linux
internal import RstreamDaemon

/// Writes results to standard output.
enum StandardOutput {
    /// Writes all bytes. Throws when they cannot be written: on a full disk, half a file must not pass for a result.
    static func write(_ bytes: [UInt8]) throws(ExitCode) {
        do throws(SystemError) {
            try DescriptorIO.write(bytes, to: STDOUT_FILENO)
        } catch {
            // A reader that has seen enough (`| head`) needs no message.
            if error.code != EPIPE { StandardError.write("rstreamd: standard output: \(error.reason)\n") }
            throw ExitCode(1)
        }
    }
}
