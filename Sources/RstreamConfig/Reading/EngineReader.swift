// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import ClientConfiguration
import RstreamModel
import YAML

/// Reads where a context's engine is: at `engine`, or where a control plane says that of a project is (CONFIG.md §6).
struct EngineReader {
    let file: SourceFile
    /// `context "main"`, in front of complaints.
    let context: Wording

    func read(_ section: Section, at span: Span, _ report: inout Report) -> EngineLocation? {
        let complaints = report.errorCount
        let engine = section.text("engine", &report)
        let endpoint = endpoint(section, &report)
        let region = region(section, &report)
        let apiURL = apiURL(section, &report)
        guard report.errorCount == complaints else { return nil }
        // Beside a project a blank engine counts as not set, like everything blank in the client configuration.
        if let engine, endpoint == nil || !engine.value.isEmpty {
            return address(engine, beside: region, section, &report)
        }
        if let endpoint {
            return .project(
                ManagedProject(apiURL: apiURL ?? ManagedProject.defaultAPIURL, endpoint: endpoint, region: region)
            )
        }
        if region != nil {
            report.error(
                "\(context): managed project endpoint is required for region selection",
                hint: "add projectEndpoint, or give \"engine\" instead of \"region\"",
                at: section.keySpan("region"),
                in: file
            )
        } else {
            report.error(
                "\(context): engine is required",
                hint: "expected engine: host or host:port, or projectEndpoint of a managed project",
                at: section.has("engine") ? section.keySpan("engine") : span,
                in: file
            )
        }
        return nil
    }

    private func address(
        _ text: Located<String>,
        beside region: String?,
        _ section: Section,
        _ report: inout Report
    ) -> EngineLocation? {
        if region != nil {
            report.error(
                "\(context): region selection cannot be combined with an explicit engine override",
                hint: "keep \"engine\", or \"region\" with \"projectEndpoint\"",
                at: section.keySpan("region"),
                in: file
            )
        }
        for key in ["projectEndpoint", "apiUrl"] where section.node(key) != nil {
            report.warning(
                "\"\(shown: key)\" has no effect beside \"engine\"",
                hint: "remove one of them",
                at: section.keySpan(key),
                in: file
            )
        }
        do throws(EngineAddress.Malformed) {
            return .address(try EngineAddress(text.value))
        } catch {
            report.error(
                "\(context): engine \(Wording(error.description, redacted: "is not one"))",
                hint: "expected host or host:port",
                at: text.span,
                in: file
            )
            return nil
        }
    }

    /// In lower case.
    private func endpoint(_ section: Section, _ report: inout Report) -> String? {
        guard let text = section.text("projectEndpoint", &report), !text.value.isEmpty else { return nil }
        guard Hostname.isLabel(text.value) else {
            report.error(
                "\(context): \"\(text.value.shortened)\" is not the endpoint of a project",
                hint: "expected the first label of its engine's name, like 1a2b3c4d",
                at: text.span,
                in: file
            )
            return nil
        }
        return text.value.asciiLowercased
    }

    /// In lower case; nil also for `auto`.
    private func region(_ section: Section, _ report: inout Report) -> String? {
        guard let text = section.text("region", &report) else { return nil }
        let region = text.value.asciiLowercased
        guard !region.isEmpty, !region.sameBytes(as: "auto") else { return nil }
        guard Region.isValid(region) else {
            report.error(
                "\(context): \"\(text.value.shortened)\" is not a region",
                hint: "expected letters, digits and hyphens, like eu-west-3, or auto",
                at: text.span,
                in: file
            )
            return nil
        }
        return region
    }

    /// Without a slash at its end.
    private func apiURL(_ section: Section, _ report: inout Report) -> String? {
        guard let text = section.text("apiUrl", &report), !text.value.isEmpty else { return nil }
        do throws(ControlPlaneURL.Malformed) {
            _ = try ControlPlaneURL(text.value)
        } catch {
            report.error(
                "\(context): apiUrl \(Wording(error.description, redacted: "is not one"))",
                hint: "expected https://host, like \(shown: ManagedProject.defaultAPIURL)",
                at: text.span,
                in: file
            )
            return nil
        }
        return ControlPlaneURL.normalized(text.value)
    }
}
