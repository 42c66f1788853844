// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import Testing

/// Every file that the README and the recipes show is one that the daemon takes as it stands there.
@Suite("the files in README.md and docs/recipes")
struct RecipeTests {
    @Test("every YAML block is a configuration without a mistake", arguments: Recipe.paths)
    func valid(path: String) throws {
        // What a tunnel file stands next to: the file of the daemon that the text has shown last.
        var daemon = usualDaemonFile
        for block in try Recipe.blocks(of: path) {
            var files = ImaginaryFiles()
            switch try block.file {
            case (daemonPath, let text):
                daemon = text
                // Tunnel files come with blocks of their own.
                files.files[daemonPath] = text
            case (let path, let text):
                files.files = [daemonPath: daemon, path: text]
            }
            let outcome = load(files)
            #expect(outcome.configuration != nil, "\(path):\(block.line)")
            #expect(outcome.diagnostics.isEmpty, "\(path):\(block.line): \(outcome.diagnostics.map(\.description))")
        }
    }

    @Test("the recipes are found, and each but their list has a file")
    func complete() throws {
        #expect(Recipe.paths.count >= 8)
        for path in Recipe.paths where path != "docs/recipes/README.md" {
            #expect(try !Recipe.blocks(of: path).isEmpty, "\(path)")
        }
    }
}

/// A YAML block of a Markdown file.
private struct Recipe {
    struct Unnamed: Error, CustomStringConvertible {
        let description: String
    }

    static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        .joined(separator: "/")

    static var paths: [String] {
        let names = (try? FileSystem().names(in: "\(root)/docs/recipes")) ?? []
        return ["README.md"] + names.filter { $0.hasSuffix(".md") }.sorted().map { "docs/recipes/\($0)" }
    }

    let path: String
    /// Of the first line of the block.
    let line: Int
    let lines: [Substring]

    /// Blocks that begin with "```yaml": each holds a file of the daemon.
    static func blocks(of path: String) throws -> [Recipe] {
        let bytes = try FileSystem().read("\(root)/\(path)", limit: 1 << 20).bytes
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        var blocks: [Recipe] = []
        var index = lines.startIndex
        while index < lines.endIndex {
            let indent = lines[index].prefix { $0 == " " }.count
            index += 1
            guard lines[index - 1].dropFirst(indent) == "```yaml" else { continue }
            let body = lines[index...].prefix { $0.dropFirst(indent) != "```" }
            blocks.append(Recipe(path: path, line: index + 1, lines: body.map { $0.dropFirst(indent) }))
            index = body.endIndex
        }
        return blocks
    }

    /// The file, by its path on a host: what the comment in the first line says.
    var file: (path: String, text: String) {
        get throws {
            let words = lines.first?.split(separator: " ") ?? []
            guard words.count >= 2, words[0] == "#", words[1].hasPrefix("/"), words[1].hasSuffix(".yaml"),
                let name = words[1].split(separator: "/").last
            else { throw Unnamed(description: "\(path):\(line): the block does not begin with the path of its file") }
            let text = lines.joined(separator: "\n") + "\n"
            return (name == "rstreamd.yaml" ? daemonPath : "/etc/rstream/tunnels.d/\(name)", text)
        }
    }
}
