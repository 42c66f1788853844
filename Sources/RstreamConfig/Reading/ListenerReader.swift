// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel
import YAML

/// Reads entries of `listeners` (contract §3.4).
struct ListenerReader {
    let file: SourceFile
    let contexts: ContextReader

    private static let misplaced = [
        "forward": "tunnels", "tunnel": "tunnels", "upstream": "tunnels", "engine": "context", "token": "context",
        "streams": "limits",
    ]
    private static let meant: [String: Wording] = ["connectTimeout": "it is \"dialTimeout\" for a listener"]

    /// Reads the entry with this index.
    func read(_ node: Node, index: Int, _ report: inout Report) -> ListenerDraft? {
        let place: Wording = "listeners[\(shown: index)]"
        guard
            let section = Section(
                node,
                named: place,
                at: "listeners",
                misplaced: Self.misplaced,
                meant: Self.meant,
                in: file,
                &report
            )
        else { return nil }
        let name = section.name(of: place, &report)
        let listen = section.required("listen", of: place, hint: ListenAddress.expectation, &report)
        let target = section.required("dial", of: place, hint: "expected the id or name of a private tunnel", &report)
        if let target, target.value.utf8.count > TunnelSpec.longestName {
            report.error("\"dial\" is longer than \(shown: TunnelSpec.longestName) bytes", at: target.span, in: file)
        }
        let address = listen.flatMap { section.address($0, &report) }
        let options = options(section, address?.value, &report)
        let context = contexts.reference(section, &report)
        guard let name else { return nil }
        return ListenerDraft(
            name: EntryName(kind: .listener, text: name.value, span: name.span, entry: section.span, file: file),
            listen: address,
            target: target?.value,
            options: options,
            context: context,
            mark: file.mark(section.span.start)
        )
    }

    private func options(_ section: Section, _ address: ListenAddress?, _ report: inout Report) -> ListenerOptions {
        var options = ListenerOptions()
        if let timeout = section.duration("dialTimeout", &report) { options.dialTimeout = timeout }
        let limits = section.section("limits", &report)
        options.streamLimit = limits?.integer("streams", &report) ?? 0
        if case .tcp? = address {
            for key in ["mode", "group"] where section.node(key) != nil {
                report.error(
                    "\"\(shown: key)\" applies to Unix sockets only, and this listener has a port",
                    hint: "leave it out, or listen at unix:/path",
                    at: section.keySpan(key),
                    in: file
                )
            }
        } else {
            options.rights.mode = section.mode("mode", &report)?.value ?? options.rights.mode
            options.rights.group = section.filledText("group", &report)?.value
        }
        return options
    }
}

/// A listener as its own entry says it.
struct ListenerDraft {
    let name: EntryName
    let listen: Located<ListenAddress>?
    let target: String?
    let options: ListenerOptions
    let context: ContextReference
    let mark: SourceMark
}

extension ListenAddress {
    /// The hint for an invalid address.
    static let expectation: Wording = "expected an address and a port, like 127.0.0.1:5432 or [::1]:5432, or unix:/path"
}

extension Section {
    /// The place to listen at that a text names.
    func address(_ text: Located<String>, _ report: inout Report) -> Located<ListenAddress>? {
        do throws(ListenAddress.Malformed) {
            return Located(value: try ListenAddress(text.value), span: text.span)
        } catch {
            let hint = file.lookAlike(at: text.span) ?? ListenAddress.expectation
            report.error("\"listen\" \(error)", hint: hint, at: text.span, in: file)
            return nil
        }
    }
}
