import FoundationEssentials
import RstreamTestSupport
import Systemd
import Testing

@testable import RstreamDaemon

/// The manual pages say what the code does, no less.
@Suite("The manual pages of the daemon")
struct ManualTests {
    private static func page(_ name: String) throws -> String {
        try String(contentsOfFile: "\(Binaries.packageRoot)/man/\(name)", encoding: .utf8)
    }

    private static func words(_ text: String) -> Set<Substring> {
        Set(text.split { !$0.isLetter && !$0.isNumber && $0 != "_" && $0 != "-" })
    }

    @Test("rstreamd.yaml(5) names every key that a file may hold")
    func keys() throws {
        var keys: Set<String> = []
        for folder in ["RstreamConfig/Reading", "ClientConfiguration/Transport"] {
            let path = "\(Binaries.packageRoot)/Sources/\(folder)"
            for file in try FileManager.default.subpathsOfDirectory(atPath: path) {
                let text = try String(contentsOfFile: "\(path)/\(file)", encoding: .utf8)
                for list in text.matches(of: #/[kK]eys(?:: | = | \+ )\[([^\]]*)\]/#) {
                    for key in list.output.1.matches(of: #/"(\w+)"/#) { keys.insert(String(key.output.1)) }
                }
            }
        }
        #expect(keys.count > 60, "the keys are not found any more: \(keys.sorted())")
        let words = Self.words(try Self.page("rstreamd.yaml.5"))
        for key in keys.sorted() { #expect(words.contains(key[...]), "\(key)") }
    }

    @Test("rstreamd(8) has every option, every line of the log with its id, and every metric")
    func daemon() async throws {
        let page = try Self.page("rstreamd.8")
        let source = try String(
            contentsOfFile: "\(Binaries.packageRoot)/Sources/rstreamd/Rstreamd.swift",
            encoding: .utf8
        )
        let options = source.matches(of: #/@(?:Option|Flag)\([^)]*\)\s+var (\w+)/#).map { match in
            match.output.1.reduce(into: "") { $0 += $1.isUppercase ? "-\($1.lowercased())" : String($1) }
        }
        #expect(options.count == 4)
        for option in options { #expect(page.contains("Fl -\(option)"), "--\(option)") }
        for entry in LogCatalogue.entries {
            #expect(page.contains(".It Sy \(entry.message)\n.Cm \(entry.id)\n"), "\(entry.message)")
        }
        let metrics = await MetricsPage(board: StatusBoard(notifier: ServiceNotifier())).text()
        let names = metrics.matches(of: #/# TYPE (\w+)/#).map { String($0.output.1) }
        #expect(names.count > 15)
        let words = Self.words(page)
        for name in names { #expect(words.contains(name[...]), "\(name)") }
    }
}
