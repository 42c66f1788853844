internal import ArgumentParser
internal import RstreamAdmin
internal import RstreamControl

struct Reload: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have the daemon read its configuration again.",
        discussion: """
            Waits for the outcome and shows what changed. A configuration with an error changes nothing: what is wrong \
            is shown, and the command ends with 1.
            """
    )

    @Flag(help: "Only show what a reload would change.")
    var dryRun = false

    @OptionGroup var options: GlobalOptions

    func act(_ desk: Desk) async throws -> ExitStatus {
        let answer = try await desk.calls.reload(dryRun: dryRun)
        let isRefused = answer.value.outcome == .refused
        for diagnostic in answer.value.diagnostics {
            for line in diagnostic.text.split(separator: "\n") { desk.console.complain(Line(String(line))) }
        }
        if desk.isJSON {
            try desk.console.write(document: answer.json)
        } else if !isRefused {
            try desk.console.write(ReloadView(answer.value).lines)
        }
        guard isRefused else { return .done }
        throw Failure(.failed, "the daemon has refused the configuration, everything goes on as before")
    }
}
