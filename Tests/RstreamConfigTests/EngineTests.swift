// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import RstreamModel
import Testing

@Suite("where a context's engine is")
struct EngineTests {
    @Test(
        "a project's endpoint says which engine the control plane is asked for",
        arguments: [
            ("projectEndpoint: 1A2b3c4d", ManagedProject(endpoint: "1a2b3c4d")),
            ("projectEndpoint: p\nengine: ''", ManagedProject(endpoint: "p")),
            ("projectEndpoint: p\nregion: EU-West-3", ManagedProject(endpoint: "p", region: "eu-west-3")),
            ("projectEndpoint: p\nregion: Auto", ManagedProject(endpoint: "p")),
            ("projectEndpoint: p\nregion: ' '", ManagedProject(endpoint: "p")),
            (
                "projectEndpoint: p\napiUrl: https://cloud.example:8443/base//",
                ManagedProject(apiURL: "https://cloud.example:8443/base", endpoint: "p")
            ),
            (
                "projectEndpoint: p\napiUrl: http://127.0.0.1:8080",
                ManagedProject(apiURL: "http://127.0.0.1:8080", endpoint: "p")
            ),
        ]
    )
    func projects(written: String, meant: ManagedProject) {
        let outcome = load(daemon: contextFile("token: t\n\(written)"))
        #expect(outcome.diagnostics.isEmpty)
        #expect(outcome.configuration?.contexts.first?.engine == .project(meant))
    }

    @Test(
        "each mistake is one error at its place",
        arguments: [
            Wrong(
                "engine: e\ntoken: t\nregion: eu",
                "6:5: context \"main\": region selection cannot be combined with an explicit engine override",
                "keep \"engine\", or \"region\" with \"projectEndpoint\""
            ),
            Wrong(
                "token: t\nregion: eu",
                "5:5: context \"main\": managed project endpoint is required for region selection"
            ),
            Wrong("token: t\napiUrl: https://a", "3:3: context \"main\": engine is required"),
            Wrong(
                "token: t\nprojectEndpoint: a.b",
                "5:22: context \"main\": \"a.b\" is not the endpoint of a project"
            ),
            Wrong(
                "token: t\nprojectEndpoint: p\nregion: eu west",
                "6:13: context \"main\": \"eu west\" is not a region"
            ),
            Wrong(
                "token: t\nprojectEndpoint: p\nregion: -eu",
                "6:13: context \"main\": \"-eu\" is not a region"
            ),
            Wrong(
                "token: t\nprojectEndpoint: p\napiUrl: cloud.example",
                "6:13: context \"main\": apiUrl does not start with https://",
                "expected https://host, like https://rstream.io"
            ),
            Wrong(
                "token: t\nprojectEndpoint: p\napiUrl: https://c/?q",
                "6:13: context \"main\": apiUrl has a query, a fragment, or characters that a path must not have"
            ),
            Wrong(
                "token: t\nprojectEndpoint: p\napiUrl: http://c",
                "6:13: context \"main\": apiUrl would send the token unencrypted: http:// is for this host only"
            ),
            Wrong(
                "mtls: { certificateFile: c, keyFile: k }\nprojectEndpoint: p",
                "4:5: context \"main\": finding the engine of a managed project requires a token",
                "give a token, or \"engine\" instead of \"projectEndpoint\""
            ),
            Wrong(
                "projectEndpoint: p\nnoToken: true",
                "5:5: context \"main\": finding the engine of a managed project requires a token"
            ),
        ]
    )
    func mistakes(wrong: Wrong) {
        wrong.check(load(daemon: contextFile(wrong.text)))
    }

    @Test("what an explicit engine leaves without meaning is a warning")
    func beside() {
        let outcome = load(daemon: contextFile("engine: e\ntoken: t\nprojectEndpoint: p\napiUrl: https://a"))
        #expect(outcome.errors.isEmpty)
        #expect(
            outcome.warnings == [
                "6:5: \"projectEndpoint\" has no effect beside \"engine\"",
                "7:5: \"apiUrl\" has no effect beside \"engine\"",
            ]
        )
    }
}
