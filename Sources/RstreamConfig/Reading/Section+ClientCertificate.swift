// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import YAML

/// Reads a certificate that the daemon shows others. Its key is in `keyFile`, or in a device by `keyUri`.
extension Section {
    /// Nil where something is wrong with it, which was reported. The caller has looked for `certificateFile` and a key.
    func clientCertificate(_ report: inout Report) -> ConfiguredCredential? {
        let hasURI = node("keyUri") != nil
        guard !hasURI || node("keyFile") == nil else {
            report.error(
                "\"keyFile\" and \"keyUri\" cannot be used together",
                hint: "keep one of them",
                at: keySpan("keyUri"),
                in: file
            )
            return nil
        }
        if hasURI { return hardwareKey(&report) }
        guard node("keyPinFile") == nil else {
            report.error(
                "\"keyPinFile\" is for a key in a device",
                hint: "remove it, or give keyUri instead of keyFile",
                at: keySpan("keyPinFile"),
                in: file
            )
            return nil
        }
        let certificate = path("certificateFile", &report)
        let key = path("keyFile", &report)
        guard let certificate, let key else { return nil }
        return .clientCertificate(certificateFile: certificate, keyFile: key)
    }

    private func hardwareKey(_ report: inout Report) -> ConfiguredCredential? {
        let certificate = path("certificateFile", &report)
        let pinFile = path("keyPinFile", &report)
        guard let uri = filledText("keyUri", &report), let certificate, node("keyPinFile") == nil || pinFile != nil
        else { return nil }
        do throws(HardwareKey.Problem) {
            return .hardwareKey(
                certificateFile: certificate,
                key: try HardwareKey(checking: uri.value, pinFile: pinFile)
            )
        } catch {
            report.error("\"keyUri\" \(shown: error)", hint: "\(shown: error.fix)", at: uri.span, in: file)
            return nil
        }
    }
}
