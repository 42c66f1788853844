// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import Linux

/// Keeps the tunnel file as the containers want it, and tells the operator.
///
/// State is guarded by the actor; one task at a time gives it listings.
package actor TunnelFileKeeper {
    /// Who may read the file: the daemon is another user, and labels are no secrets.
    private static let mode: UInt32 = 0o644
    /// More than a file of ours has.
    private static let longest = 8 * 1_024 * 1_024

    private let path: String
    private let options: TunnelOptions
    private let say: @Sendable (Notice) -> Void
    private var notices: NoticeStateMachine

    /// Keeps the file at `path`.
    package init(
        _ path: String,
        host: DockerHost,
        options: TunnelOptions,
        say: @escaping @Sendable (Notice) -> Void
    ) {
        (self.path, self.options, self.say) = (path, options, say)
        notices = NoticeStateMachine(host: host.description, path: path)
    }

    /// Writes the file that the containers want, unless it is there already. Returns why it could not be written.
    @discardableResult
    package func keep(_ listing: ContainerListing) async -> SystemError? {
        let file = DockerTunnelFile(listing, options)
        notices.listed(file.complaints).forEach(say)
        let (path, bytes) = (path, Array(file.text.utf8))
        let outcome = await BlockingThreads.files.run { () -> Result<Bool, SystemError> in
            // Also where someone has changed or removed it meanwhile.
            if let old = try? HostFile(reading: path, limit: Self.longest), old.bytes == bytes,
                old.step.mode == Self.mode
            {
                return .success(false)
            }
            return Result { () throws(SystemError) in
                try ReplacedFile.write(bytes, to: path, mode: Self.mode)
                return true
            }
        }
        switch outcome {
        case .success(let isWritten):
            notices.kept(tunnels: file.tunnelCount, isWritten: isWritten).forEach(say)
            return nil
        case .failure(let error):
            notices.writeFailed(error.reason).forEach(say)
            return error
        }
    }

    /// Removes the file.
    package func remove() async {
        let path = path
        do throws(SystemError) {
            try await BlockingThreads.files.tryRun { () throws(SystemError) in try ReplacedFile.remove(path) }
        } catch {
            notices.writeFailed(error.reason).forEach(say)
        }
    }

    /// There is no listing, or no stream of events.
    package func failed(_ failure: DockerFailure) { notices.failed(failure).forEach(say) }

    /// The API tells of events.
    package func answered() { notices.answered().forEach(say) }
}
