// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc

/// libFuzzer, which the compiler links with `-sanitize=fuzzer` (https://llvm.org/docs/LibFuzzer.html).
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ check: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// libFuzzer's own main calls it, which is never run; without it the program cannot be linked.
@_cdecl("LLVMFuzzerTestOneInput")
func neverRun(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt { 0 }

/// The program's main, by the name that the package manager gives to those of executables.
///
/// usage: rstream-fuzz NAME [ARGUMENTS AND FOLDERS OF LIBFUZZER], or rstream-fuzz --list
@_cdecl("rstream_fuzz_main")
func fuzz(_ given: CInt, _ words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    let name = CommandLine.arguments.dropFirst().first ?? ""
    if name == "--list" {
        for target in FuzzTarget.all { print(target.name) }
        return 0
    }
    guard let target = FuzzTarget.all.first(where: { $0.name == name }), let words else {
        print("usage: rstream-fuzz NAME [ARGUMENTS OF LIBFUZZER], or rstream-fuzz --list")
        return 64
    }
    running = target
    // The name stands in the place of the program's.
    var (count, arguments) = (given - 1, Optional(words + 1))
    return runDriver(&count, &arguments) { bytes, count in
        guard let target = running else { return 0 }
        do throws(Finding) {
            try target.check(Array(UnsafeBufferPointer(start: bytes, count: count)))
        } catch {
            print("finding: \(error)")
            fflush(nil)
            abort()
        }
        return 0
    }
}

/// Set once, before libFuzzer runs: what it calls has no context.
nonisolated(unsafe) private var running: FuzzTarget?
