import FoundationEssentials
import RstreamAdmin
import RstreamTestSupport
import Testing

@testable import RstreamDoctor

@Suite("An archive for a bug report", .timeLimit(.minutes(1)))
struct BundleTests {
    @Test("is read by tar, and holds no secret of the configuration, whoever wrote it there")
    func secrets() async throws {
        try await TemporaryFolder.with { folder in
            let key = folder.path(of: "token")
            try "file-secret\n".write(toFile: key, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
            let file = folder.path(of: "rstreamd.yaml")
            let text = """
                version: 1
                contexts:
                  a:
                    engine: "127.0.0.1:1"
                    token: text-secret
                    transport: { proxy: { http: "http://127.0.0.1:2", headers: { X-Key: header-secret } } }
                  b: { engine: "127.0.0.1:1", tokenFile: "\(key)" }
                tunnels: []
                """
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            let daemon = AdminClient(socket: folder.path(of: "admin.sock"))
            let bundle = Bundle(file: file, environment: [:], daemon: daemon)
            let leak = ["text-secret", "file-secret"].map { Finding("config", .fail, "somebody wrote \($0) here") }
            let archive = await bundle.archive(leak)
            let path = folder.path(of: "report.tar")
            try Data(archive).write(to: URL(filePath: path))
            let listing = try await ProcessHandle.run("/bin/tar", ["-tf", path])
            #expect(listing.output.contains("rstreamd-report/doctor.json"))
            #expect(listing.output.contains("rstreamd-report/missing.txt"), "no daemon answers")
            let contents = String(decoding: archive, as: UTF8.self)
            #expect(contents.contains("somebody wrote *** here"))
            for secret in ["text-secret", "file-secret", "header-secret"] { #expect(!contents.contains(secret)) }
        }
    }
}
