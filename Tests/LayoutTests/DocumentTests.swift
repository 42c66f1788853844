import FoundationEssentials
import Testing

/// What the Markdown files say about the tree: the types and files that they name, and the files that they link to.
@Suite("The documents")
struct DocumentTests {
    private static let root = URL(filePath: sources).deletingLastPathComponent().path

    /// What is written like a type or file of Sources and Tests and is something else: of the wire, of Swift, of the root.
    private static let others: Set<String> = [
        "CHANGELOG", "Heartbeat", "Makefile", "Message", "Mutex", "Package", "ProxyConnReq", "ProxyConnRsp", "ProxyReq",
        "ProxyRsp", "StreamReq",
        "StreamRsp",
    ]

    private static let documents = ["README.md", "SECURITY.md", "CONTRIBUTING.md"] + below("docs", ".md")

    @Test(
        "name types, tests and files that there are",
        arguments: ["SECURITY.md", "docs/architecture.md", "docs/contributing.md"]
    )
    func names(document: String) throws {
        let known = try Self.known()
        for name in try Self.text(document).matches(of: #/`([A-Z][A-Za-z0-9]+)(\+[A-Za-z]+)?(?:\.[^`\s]*|\([^`]*)?`/#) {
            let (type, aspect) = (String(name.output.1), name.output.2.map(String.init) ?? "")
            guard !Self.others.contains(type), !known.contains(type + aspect) else { continue }
            Issue.record("\(document): \(name.output.0) is no type and no file of Sources and Tests")
        }
    }

    @Test("link to files that there are, and to none outside of the repository", arguments: documents)
    func links(document: String) throws {
        let folder = document.split(separator: "/").dropLast().map(String.init)
        for link in try Self.text(document).matches(of: #/\]\(([\w.][^)\s:#]*)(?:#[^)]*)?\)/#) {
            var path = folder
            for step in link.output.1.split(separator: "/") {
                if step == ".." {
                    #expect(path.popLast() != nil, "\(document): \(link.output.1) leads out of the repository")
                } else {
                    path.append(String(step))
                }
            }
            let place = ([Self.root] + path).joined(separator: "/")
            #expect(FileManager.default.fileExists(atPath: place), "\(document): \(link.output.1) is not there")
        }
    }

    /// The names of types and cases, and of files without what is behind the point.
    private static func known() throws -> Set<String> {
        var names: Set<String> = []
        for file in below("Sources", ".swift") + below("Tests", ".swift") {
            let parts = file.split(separator: "/")
            names.formUnion(parts.dropLast().map(String.init))
            names.insert(String(parts.last?.dropLast(".swift".count) ?? ""))
            for type in try text(file).matches(of: #/\b(?:struct|class|enum|protocol|actor|typealias) (\w+)/#) {
                names.insert(String(type.output.1))
            }
        }
        return names
    }

    private static func below(_ folder: String, _ ending: String) -> [String] {
        let paths = try? FileManager.default.subpathsOfDirectory(atPath: "\(root)/\(folder)")
        return (paths ?? []).filter { $0.hasSuffix(ending) }.sorted().map { "\(folder)/\($0)" }
    }

    private static func text(_ path: String) throws -> String {
        try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
    }
}
