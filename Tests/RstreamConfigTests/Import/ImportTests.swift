// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@Suite("files of other programs become tunnel files")
struct ImportTests {
    @Test("a file becomes the tunnel file next to it", arguments: ImportedFiles.names)
    func expected(name: String) throws {
        let conversion = ConfigurationImport(name, files: ImportedFiles())
        #expect(conversion.output == (try ImportedFiles.expectation(of: name)))
        #expect(conversion.exitStatus == 0, "\(conversion.messages)")
    }

    @Test("what comes out has no mistake to the daemon", arguments: ImportedFiles.names)
    func valid(name: String) throws {
        let output = try #require(ConfigurationImport(name, files: ImportedFiles()).output)
        let outcome = load(ImportedFiles.beside(output), environment: ImportedFiles.environment)
        #expect(outcome.errors == [])
        #expect(outcome.configuration != nil)
    }

    @Test("no secret comes out", arguments: ImportedFiles.names)
    func secrets(name: String) throws {
        let conversion = ConfigurationImport(name, files: ImportedFiles())
        #expect(try ImportedFiles.text(of: name).contains("hunter2") || name.hasPrefix("cloudflared-home"))
        #expect(conversion.output?.contains("hunter2") == false)
        #expect(!conversion.messages.contains("hunter2"))
    }

    @Test("every line of a comment says which program it is about", arguments: ImportedFiles.names)
    func comments(name: String) throws {
        let output = try #require(ConfigurationImport(name, files: ImportedFiles()).output)
        let programs = ImportedProgram.allCases.map { "# \($0): " }
        for line in output.split(separator: "\n").dropFirst() {
            let text = line.drop { $0 == " " }
            guard text.hasPrefix("#") else { continue }
            #expect(programs.contains { text.hasPrefix($0) }, "\(line)")
        }
    }

    @Test("the number of entries is told beside the file")
    func summary() {
        let conversion = ConfigurationImport("frp-plugins.toml", files: ImportedFiles())
        #expect(
            conversion.messages
                == "frp-plugins.toml (frp): 5 tunnels, 1 listener, 2 left out; comments say what has no counterpart"
        )
    }

    @Test("every file has its expectation, and every expectation its file")
    func complete() throws {
        let names = try FileSystem().names(in: ImportedFiles.root)
        let expectations = names.filter { $0.hasSuffix(".expected") }.map { $0.dropLast(".expected".count) }
        #expect(expectations.sorted() == ImportedFiles.names.map { ImportedFiles.stem(of: $0)[...] }.sorted())
        #expect(ImportedFiles.names.count == 10)
    }

    // MARK: Which program

    private static func convert(
        _ text: String,
        from program: ImportedProgram? = nil,
        path: String = "a.yaml"
    ) -> ConfigurationImport {
        ConfigurationImport(path, from: program, files: ImaginaryFiles(files: [path: text]))
    }

    @Test("a file of no known program is refused, with the keys that were looked for")
    func unknown() {
        let conversion = Self.convert("listen: 80\n")
        #expect(conversion.exitStatus == 78 && conversion.output == nil)
        #expect(conversion.messages.hasPrefix("a.yaml:1:1: error: the program that this file is for is not known"))
        for key in ["serverAddr", "authtoken", "ingress", "environments"] {
            #expect(conversion.messages.contains(key), "\(key)")
        }
    }

    @Test("a file that may be of two programs is refused, unless one is named")
    func ambiguous() throws {
        let text = "authtoken: hunter2\ningress:\n  - { hostname: a.example, service: http://localhost:80 }\n"
        let conversion = Self.convert(text)
        #expect(conversion.exitStatus == 78)
        #expect(
            conversion.messages.contains(#"a file of ngrok ("authtoken") or of cloudflared ("ingress")"#),
            "\(conversion.messages)"
        )
        #expect(!conversion.messages.contains("hunter2"))
        #expect(conversion.messages.contains("--from"))
        let named = Self.convert(text, from: .cloudflared)
        #expect(named.exitStatus == 0)
        #expect(named.output?.contains("- name: a.example") == true)
    }

    @Test("a file without anything to convert ends with 1, and its comments say why")
    func nothing() {
        let conversion = Self.convert("ingress: [{ service: http_status:404 }]\n")
        #expect(conversion.exitStatus == 1)
        #expect(conversion.messages == "a.yaml: nothing could be converted; the comments say why")
        #expect(conversion.output?.contains("tunnels: []\n  # cloudflared: ingress[0]: left out: ") == true)
        #expect(Self.convert("proxies: []\n", from: .ngrok).exitStatus == 1)
    }

    @Test("the old form of frp's files is refused, with what to write")
    func ini() {
        let conversion = Self.convert("# a\n[common]\nserver_addr = x\ntoken = hunter2\n", path: "frpc.ini")
        #expect(conversion.exitStatus == 78)
        #expect(conversion.messages.hasPrefix("frpc.ini:2:1: error: this is the old form of frp's files, INI"))
        #expect(!conversion.messages.contains("hunter2"))
    }

    @Test("a mistake is shown with its place, in TOML and YAML, without a secret")
    func mistakes() {
        let toml = Self.convert("serverAddr = \"a\"\nauth.token = hunter2\n")
        #expect(toml.messages.hasPrefix("a.yaml:2:14: error: this is no value\n"))
        #expect(!toml.messages.contains("hunter2"))
        let yaml = Self.convert("proxies: [\n")
        #expect(yaml.exitStatus == 78 && yaml.messages.hasPrefix("a.yaml:1:"))
        let repeated = Self.convert("proxies: []\nproxies: []\n")
        #expect(repeated.messages.hasPrefix("a.yaml:2:1: error: repeated key"))
        #expect(
            Self.convert("serverPort = {{ .Envs.PORT }}\n").messages.contains("frp puts the values of {{ }} in first")
        )
        #expect(Self.convert("just a text").exitStatus == 78)
    }

    @Test("a file that is missing, or may not be read, has the status that the contract says")
    func unreadable() {
        var files = ImaginaryFiles(files: ["a": ""])
        #expect(ConfigurationImport("b", files: files).exitStatus == 78)
        files.forbidden = ["a"]
        #expect(ConfigurationImport("a", files: files).exitStatus == 77)
    }

    // MARK: Details

    @Test("the same file in JSON means the same")
    func json() {
        let json = #"{ "proxies": [{ "name": "ssh", "type": "tcp", "localPort": 22, "remotePort": 6000 }] }"#
        let toml = "[[proxies]]\nname = 'ssh'\ntype = 'tcp'\nlocalPort = 22\nremotePort = 6000\n"
        #expect(Self.convert(json).output == Self.convert(toml).output)
    }

    @Test("keys are found in either case, as Go's decoders find them")
    func keysInEitherCase() {
        let output = Self.convert("[[proxies]]\nname = 'a'\ntype = 'tcp'\nlocalIp = '10.0.0.7'\nlocalport = 22\n")
            .output
        #expect(output?.contains("forward: 10.0.0.7:22\n") == true)
    }

    @Test(
        "addresses of services in the forms of ngrok",
        arguments: [
            ("80", "localhost:80"), (":8080", "localhost:8080"), ("box", "box:80"), ("box:8080", "box:8080"),
            ("http://box", "box:80"), ("https://box/", "box:443"), ("http://u:p@box:81/x", "box:81"),
            ("http://[::1]:8080", #""[::1]:8080""#), ("[fe80::1]", #""[fe80::1]:80""#),
            ("unix:/run/a.sock", "unix:/run/a.sock"),
            ("unix:///run/a.sock", "unix:/run/a.sock"), ("tcp://box", nil), ("box:0", nil), ("box:99999", nil),
            ("a b:80", nil), ("::1:80", nil), ("box:$PORT", nil), ("unix:run", nil), ("192.168.1.300:80", nil),
        ] as [(String, String?)]
    )
    func addresses(text: String, forward: String?) {
        let output = Self.convert("tunnels:\n  a: { proto: tcp, addr: \"\(text)\" }\n").output ?? ""
        if let forward {
            #expect(output.contains("    forward: \(forward)\n"), "\(output)")
        } else {
            #expect(output.contains("tunnels: []\n") && output.contains("left out: "), "\(output)")
        }
        #expect(!output.contains("u:p"))
    }

    @Test("names that are taken, blank or too long are other ones")
    func names() {
        let long = String(repeating: "n", count: 300)
        let proxies = ["a", "a", "", long, long].map { "[[proxies]]\nname = '\($0)'\ntype = 'tcp'\nlocalPort = 1\n" }
        let output = Self.convert(proxies.joined()).output ?? ""
        let names = output.split(separator: "\n").filter { $0.hasPrefix("  - name: ") }.map { $0.dropFirst(10) }
        #expect(names.prefix(3) == ["a", "a-2", "frp-3"])
        #expect(names.count == 5 && Set(names).count == 5)
        #expect(load(ImportedFiles.beside(output)).errors == [])
    }

    @Test("a dollar sign means no variable, in values, keys and comments")
    func variables() {
        let text = "[[proxies]]\nname = '${HOME}'\ntype = 'http'\nlocalPort = 1\nsubdomain = '$HOME'\n'$k' = 1\n"
        let output = Self.convert(text).output ?? ""
        #expect(!output.contains("$"))
        let outcome = load(ImportedFiles.beside(output), environment: ["HOME": "a\nb: c"])
        #expect(outcome.configuration?.tunnels.map(\.name) == ["${HOME}"])
    }

    @Test("an entry with variables is kept, and what may be a secret in it is not")
    func secretsBesideVariables() {
        let output =
            Self.convert(
                """
                version: 1
                contexts:
                  main:
                    engine: ${ENGINE}
                    tokne: hunter2
                    transport: { proxy: { http: "http://p:1", username: lea, pasword: hunter2, headers: { A: hunter2 } } }
                tunnels:
                  - { name: "$NAME", forward: 80, secret: hunter2, tunnel: { http: { auth: { token: true } } } }
                """
            ).output ?? ""
        #expect(!output.contains("hunter2"), "\(output)")
        for kept in ["engine: ${ENGINE}", "username: lea", "name: \"$NAME\"", "token: true"] {
            #expect(output.contains(kept), "\(kept)")
        }
        for key in ["tokne", "transport.proxy.pasword", "transport.proxy.headers", "secret"] {
            #expect(output.contains("# rstream: \(key): not copied: "), "\(key)")
        }
    }

    @Test("more entries than any file has are refused")
    func tooMany() {
        let conversion = Self.convert("proxies: [\(String(repeating: "1,", count: 10_001))]\n")
        #expect(conversion.exitStatus == 78)
        #expect(conversion.messages.contains("more than 10000 entries"))
    }

    @Test(
        "damaged files are converted or refused, and what comes out has no mistake",
        arguments: [1, 2, 3] as [UInt64]
    )
    func damaged(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for name in ImportedFiles.names {
            let text = try ImportedFiles.text(of: name)
            for _ in 0..<12 {
                let conversion = Self.convert(Damage.damaged(text, &random))
                guard let output = conversion.output else {
                    #expect([77, 78].contains(conversion.exitStatus) && !conversion.messages.isEmpty)
                    continue
                }
                #expect([0, 1].contains(conversion.exitStatus))
                // Variables stay in files of rstream run, whatever they may hold.
                if name != "rstream-run.yaml" {
                    #expect(load(ImportedFiles.beside(output)).errors == [], "\(output)")
                }
            }
        }
    }
}

/// The files next to this one, by their names only.
struct ImportedFiles: FileAccess {
    static let root =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        .joined(separator: "/") + "/Files"

    /// What the file of `rstream run` refers to.
    static let environment = [
        "STAGE_ENGINE": "stage.example", "STAGE_TOKEN": "abc", "STAGE_HOST": "box", "USER": "lea",
    ]

    static var names: [String] {
        let names = try? FileSystem().names(in: root)
        return (names ?? []).filter { !$0.hasSuffix(".expected") }.sorted()
    }

    static func stem(of name: String) -> String {
        name.split(separator: ".").first.map(String.init) ?? name
    }

    static func text(of name: String) throws -> String {
        String(decoding: try FileSystem().read("\(root)/\(name)", limit: 1 << 20).bytes, as: UTF8.self)
    }

    static func expectation(of name: String) throws -> String { try text(of: "\(stem(of: name)).expected") }

    /// A tunnel file where the daemon finds it, and the client configuration that one of the files needs.
    static func beside(_ output: String) -> ImaginaryFiles {
        ImaginaryFiles(files: [
            daemonPath: usualDaemonFile.replacing("main", with: "fallback"), tunnelPath: output,
            "/etc/rstream/config.yaml":
                "contexts: [{ name: production, engine: e.example, auth: { token: { storage: { value: abc } } } }]\n",
        ])
    }

    func read(_ path: String, limit: Int) throws(FileAccessError) -> FileContents {
        FileContents(bytes: try FileSystem().read("\(Self.root)/\(path)", limit: limit).bytes, mode: 0o640)
    }

    func names(in directory: String) throws(FileAccessError) -> [String] { throw .missing }
}

/// What goes wrong with files.
enum Damage {
    private static let interesting = Array("\0\t\n\r =:-?[]{},&*!|>'\"\\#.$~éy0_+".unicodeScalars)

    /// A text with one to four places changed.
    static func damaged(_ text: String, _ random: inout SplitMix) -> String {
        var scalars = Array(text.unicodeScalars)
        for _ in 0..<Int.random(in: 1...4, using: &random) where !scalars.isEmpty {
            let place = Int.random(in: 0..<scalars.count, using: &random)
            let scalar = interesting.randomElement(using: &random) ?? " "
            switch Int.random(in: 0..<4, using: &random) {
            case 0: scalars[place] = scalar
            case 1: scalars.insert(scalar, at: place)
            case 2: scalars.removeSubrange(place..<min(scalars.count, place + Int.random(in: 1...9, using: &random)))
            default: scalars.removeLast(Int.random(in: 0..<min(scalars.count, 40), using: &random))
            }
        }
        return String(String.UnicodeScalarView(scalars))
    }
}
