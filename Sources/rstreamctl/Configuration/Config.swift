internal import ArgumentParser
internal import RstreamAdmin
internal import RstreamControl

struct Config: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the configuration that runs, secrets as ***."
    )

    @OptionGroup var options: GlobalOptions

    func act(_ desk: Desk) async throws -> ExitStatus {
        let json = try await desk.calls.bytes(.config)
        if desk.isJSON {
            try desk.console.write(document: json)
        } else {
            try desk.console.write(IndentedJSON(json).lines.map { Line($0) })
        }
        return .done
    }
}
