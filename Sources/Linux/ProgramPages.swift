// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CLinux

/// The pages of the program's file, and of the libraries', that are mapped.
package enum ProgramPages {
    /// Unmaps their code and constants. What is used again comes back from the kernel's cache; what only the start
    /// needed does not, which is most of it.
    package static func release() {
        rstream_release_program_pages()
    }
}
