internal import Linux

/// Who may read a file: who may go through every folder on the way to it, and read what is there.
package struct FileReaders: Hashable, Sendable {
    private let steps: [PathStep]

    init(_ contents: FileContents) {
        steps = contents.way + [contents.file]
    }

    /// Whether a user who is in these groups may.
    package func include(user: UInt32, groups: Set<UInt32>) -> Bool {
        steps.allSatisfy { $0.admits(user: user, groups: groups) }
    }
}
