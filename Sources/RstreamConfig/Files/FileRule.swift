// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
package import Linux
internal import RstreamModel

/// Which files are trusted (contract §3.1). The daemon acts on a file with its own rights, so only root and the
/// daemon's user may have written it.
///
/// A file, every folder on the way to it and every link that was followed must belong to root or the daemon's user, and
/// no other user may write to them. In a sticky folder of theirs, like `/tmp`, others may write: they cannot replace
/// what is not their own. The private group of an ordinary user is that user, and worth a warning. What belongs to a
/// user of `limits.tunnelOwners` is taken as well where tunnel files are expected, and holds tunnels only.
package struct FileRule: Sendable {
    /// How far a file is trusted.
    package enum Verdict: Hashable, Sendable {
        /// It may hold everything.
        case trusted
        /// It has the rights of the user who owns it, and may hold tunnels only.
        case limited(to: UInt32)
        /// It is not read at all.
        case refused
    }

    /// A finding about a step on the way to a file.
    package struct Complaint: Hashable, Sendable {
        package let severity: Diagnostic.Severity
        package let path: String
        package let message: String
        package let hint: String
    }

    /// Root and the daemon's user.
    private let owners: Set<UInt32>
    /// Who may own tunnel files besides.
    private var tunnelOwners: Set<UInt32> = []
    let accounts: Accounts
    /// Whether this is a check before the start, outside of the daemon's unit.
    let isForCheck: Bool

    /// Trusts files of `owners`.
    package init(owners: Set<UInt32>, accounts: Accounts = .host, isForCheck: Bool = false) {
        self.owners = owners
        self.accounts = accounts
        self.isForCheck = isForCheck
    }

    /// For a process that is the daemon: root and the user that it runs as.
    package static var running: FileRule { FileRule(owners: [0, geteuid()]) }

    /// For a check, which any user may make: root, who checks, and the user that the packaged unit runs the daemon as.
    package static var checking: FileRule {
        let owners = Set([0, geteuid()] + [Accounts.host.user(IntendedReader.daemonUser)].compactMap { $0 })
        return FileRule(owners: owners, isForCheck: true)
    }

    /// Takes tunnel files of these users as well.
    mutating func take(tunnelOwners: some Sequence<UInt32>) {
        self.tunnelOwners = Set(tunnelOwners).subtracting(owners)
    }

    /// Judges the way to a file, the file last. `holdsTunnels` says whether tunnel files are expected there.
    func judge(_ steps: [PathStep], holdsTunnels: Bool) -> (verdict: Verdict, complaints: [Complaint]) {
        var complaints: [Complaint] = []
        var others: Set<UInt32> = []
        for step in steps {
            if !owners.contains(step.owner) {
                if holdsTunnels, tunnelOwners.contains(step.owner) {
                    others.insert(step.owner)
                } else {
                    complaints.append(foreign(step, holdsTunnels: holdsTunnels))
                    continue
                }
            }
            if let complaint = written(step, &others, holdsTunnels: holdsTunnels) { complaints.append(complaint) }
        }
        if complaints.contains(where: { $0.severity == .error }) { return (.refused, complaints) }
        guard others.count <= 1 else {
            let names = others.sorted().map(name(ofUser:)).joined(separator: " and ")
            complaints.append(
                Complaint(
                    severity: .error,
                    path: steps.last?.path ?? "",
                    message: "belongs to more than one user of limits.tunnelOwners, its folders included: \(names)",
                    hint: "give every user a folder of their own"
                )
            )
            return (.refused, complaints)
        }
        return (others.first.map { .limited(to: $0) } ?? .trusted, complaints)
    }

    private func foreign(_ step: PathStep, holdsTunnels: Bool) -> Complaint {
        let name = name(ofUser: step.owner)
        let command = step.kind == .link ? "chown -h root" : "chown root"
        return Complaint(
            severity: .error,
            path: step.path,
            message: "belongs to \(name), not to root or the daemon's user",
            hint: holdsTunnels
                ? "\(command) \(step.path), or name the user in limits.tunnelOwners" : "\(command) \(step.path)"
        )
    }

    /// What is wrong with who may write. A link has no permissions of its own: who may replace it, its folder says.
    private func written(_ step: PathStep, _ others: inout Set<UInt32>, holdsTunnels: Bool) -> Complaint? {
        guard step.kind != .link, step.mode & 0o022 != 0 else { return nil }
        if step.isSticky, owners.contains(step.owner) { return nil }
        guard step.mode & 0o002 == 0 else {
            let bits = step.mode & 0o020 == 0 ? "o-w" : "go-w"
            return Complaint(
                severity: .error,
                path: step.path,
                message: "is writable by all users of this host",
                hint: "chmod \(bits) \(step.path.shellWord)"
            )
        }
        let group = accounts.nameOfGroup(step.group).map { "\"\($0)\"" } ?? "\(step.group)"
        guard accounts.isPrivate(step.group), owners.contains(step.group) || others.contains(step.group) else {
            return Complaint(
                severity: .error,
                path: step.path,
                message: "is writable by the group \(group)",
                hint: "chmod g-w \(step.path.shellWord)"
            )
        }
        return Complaint(
            severity: .warning,
            path: step.path,
            message: "is writable by the group \(group), which has no other members so far",
            hint: "chmod g-w \(step.path.shellWord)"
        )
    }

    private func name(ofUser user: UInt32) -> String {
        accounts.nameOfUser(user).map { "the user \"\($0)\"" } ?? "the user \(user)"
    }
}
