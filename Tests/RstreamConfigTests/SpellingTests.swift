// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import Testing

@Suite("A configuration that differs in how a text is spelt")
struct SpellingTests {
    private static let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")

    /// Whether two configurations differ that have the same text in its two spellings.
    private func differs(_ change: (inout DaemonConfiguration, String) -> Void) -> Bool {
        var (first, second) = (DaemonConfiguration(), DaemonConfiguration())
        change(&first, Self.composed)
        change(&second, Self.decomposed)
        return first != second
    }

    @Test("is another one, wherever the text stands")
    func everywhere() throws {
        #expect(differs { $0.limits.unixUpstreams = ["/srv/\($1)"] })
        #expect(differs { $0.limits.tunnelOwners = [$1] })
        #expect(differs { $0.admin.socket = "/run/\($1)" })
        #expect(differs { $0.admin.group = $1 })
        #expect(differs { $0.admin.readGroup = $1 })
        #expect(differs { $0.clientConfig = "/srv/\($1)" })
        #expect(differs { $0.files = ["/srv/\($1)"] })
        #expect(differs { $0.includes = ["\($1)/*.yaml"] })
        let context = ContextDefinition(
            name: "c",
            engine: .address(try EngineAddress("engine.test")),
            credential: .none
        )
        #expect(
            differs { configuration, text in
                var context = context
                context.transport.tls.caFile = "/etc/\(text)"
                configuration.contexts = [context]
            }
        )
        let listen = try ListenAddress("127.0.0.1:80")
        #expect(
            differs { configuration, text in
                configuration.listeners = [
                    ListenerDefinition(name: "l", listen: listen, target: text, context: context)
                ]
            }
        )
        #expect(
            differs { configuration, text in
                let options = ListenerOptions(rights: SocketRights(group: text))
                configuration.listeners = [
                    ListenerDefinition(name: "l", listen: listen, target: "t", options: options, context: context)
                ]
            }
        )
    }

    @Test("has sessions of another identity when a path of them does")
    func identity() throws {
        func identity(_ path: String) throws -> EngineIdentity {
            var context = ContextDefinition(
                name: "c",
                engine: .address(try EngineAddress("engine.test")),
                credential: .none
            )
            context.transport.tls.caFile = path
            return context.identity
        }
        #expect(try identity("/etc/\(Self.composed)") != identity("/etc/\(Self.decomposed)"))
        #expect(try identity("/etc/\(Self.composed)") == identity("/etc/\(Self.composed)"))
    }
}
