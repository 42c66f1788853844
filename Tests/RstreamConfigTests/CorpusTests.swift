// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import RstreamModel
import Testing

@Suite("the corpus of files")
struct CorpusTests {
    @Test("a tunnel file is taken, and means what is written next to it", arguments: Corpus.names(in: "valid"))
    func validTunnelFile(name: String) throws {
        let configuration = try Corpus.load(tunnelFile: name, in: "valid").get()
        #expect(configuration == (try Corpus.expectation(of: name, in: "valid")))
    }

    @Test("a tunnel file is refused, with all that is written next to it", arguments: Corpus.names(in: "invalid"))
    func invalidTunnelFile(name: String) throws {
        #expect(
            Corpus.load(tunnelFile: name, in: "invalid") == .failure(try Corpus.complaint(about: name, in: "invalid"))
        )
    }

    @Test("a daemon's file is taken, and means what is written next to it", arguments: Corpus.names(in: "daemon/valid"))
    func validDaemonFile(name: String) throws {
        let configuration = try Corpus.load(daemonFile: name, in: "daemon/valid").get()
        #expect(configuration == (try Corpus.expectation(of: name, in: "daemon/valid")))
    }

    @Test(
        "a daemon's file is refused, with all that is written next to it",
        arguments: Corpus.names(in: "daemon/invalid")
    )
    func invalidDaemonFile(name: String) throws {
        let folder = "daemon/invalid"
        #expect(Corpus.load(daemonFile: name, in: folder) == .failure(try Corpus.complaint(about: name, in: folder)))
    }

    @Test("no file shows a secret", arguments: ["invalid", "daemon/invalid"])
    func secrets(folder: String) throws {
        for name in Corpus.names(in: folder) {
            #expect(try !Corpus.expectation(of: name, in: folder).contains("hunter2"), "\(name)")
        }
    }

    @Test("every file has its expectation, and every expectation its file")
    func complete() throws {
        var count = 0
        for folder in ["valid", "invalid", "daemon/valid", "daemon/invalid"] {
            let names = try FileSystem().names(in: "\(Corpus.root)/\(folder)")
            let files = names.filter { $0.hasSuffix(".yaml") }.map { $0.dropLast(".yaml".count) }
            let expectations = names.filter { $0.hasSuffix(".expected") }.map { $0.dropLast(".expected".count) }
            #expect(files.sorted() == expectations.sorted())
            #expect(files.count + expectations.count == names.count)
            count += files.count
        }
        #expect(count >= 100)
    }
}

/// The files next to this one, and what comes of loading one of them.
enum Corpus {
    static let root =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        .joined(separator: "/") + "/Corpus"

    /// What the files may refer to.
    static let environment = [
        "STAGE": "prod", "HOST": "db.internal", "PORT": "8080", "PUBLISH": "yes", "TOKEN": "hunter2", "EMPTY": "",
        "BAD_HOST": "not a host", "COUNTRIES": "[FR, DE]", "NESTED": "$STAGE", "ODD NAME": "odd",
        "LONG": "a value that is longer than its name",
        "SPECIAL": "a: b # 'c' {d} [e] *f &g !h %i @j `k | > ? - \"",
        "CREDENTIALS_DIRECTORY": "/run/credentials/rstreamd.service", "https_proxy": "http://proxy.example:3128",
    ]

    /// The text of a refusal.
    struct Complaint: Error, Equatable {
        let text: String
    }

    static func names(in folder: String) -> [String] {
        let names = try? FileSystem().names(in: "\(root)/\(folder)")
        return (names ?? []).filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(".yaml".count)) }.sorted()
    }

    static func expectation(of name: String, in folder: String) throws -> String {
        let file = try FileSystem().read("\(root)/\(folder)/\(name).expected", limit: 1 << 20)
        return String(decoding: file.bytes, as: UTF8.self)
    }

    static func complaint(about name: String, in folder: String) throws -> Complaint {
        Complaint(text: try expectation(of: name, in: folder))
    }

    /// Loads a tunnel file as the only include of the shortest daemon's file.
    static func load(tunnelFile name: String, in folder: String) -> Result<String, Complaint> {
        let daemon = """
            version: 1
            context: fallback
            contexts: { fallback: { engine: engine.example, noToken: true } }
            include: ["\(name).yaml"]

            """
        return load("rstreamd.yaml", CorpusFiles(folder: "\(root)/\(folder)", daemon: daemon))
    }

    static func load(daemonFile name: String, in folder: String) -> Result<String, Complaint> {
        load("\(name).yaml", CorpusFiles(folder: "\(root)/\(folder)"))
    }

    private static func load(_ path: String, _ files: CorpusFiles) -> Result<String, Complaint> {
        do throws(ConfigurationError) {
            let loaded = try ConfigurationLoader(files: files, environment: environment).load(path)
            let warnings = loaded.warnings.map { "\($0)\n" }.joined()
            return .success(warnings + loaded.configuration.meaning)
        } catch {
            return .failure(Complaint(text: "\(error)\n"))
        }
    }
}

/// The files of one folder, by their names only, so that no complaint depends on where the tree is.
private struct CorpusFiles: FileAccess {
    let folder: String
    var daemon: String?

    func read(_ path: String, limit: Int) throws(FileAccessError) -> FileContents {
        if path == "rstreamd.yaml", let daemon { return FileContents(bytes: Array(daemon.utf8), mode: 0o640) }
        return FileContents(bytes: try FileSystem().read("\(folder)/\(path)", limit: limit).bytes, mode: 0o640)
    }

    func names(in directory: String) throws(FileAccessError) -> [String] { throw .missing }
}
