internal import FoundationEssentials
internal import Glibc
internal import GuardedJSON
internal import Linux

/// What failed with a file of this daemon's own, in words for who runs it: libraries speak to their developers.
enum StateFileFailure {
    static func words(_ error: any Error) -> String {
        switch error {
        case let error as GuardedJSON.Failure: "a line of it is \(error)"
        case let error as HostFile.Failure: words(error)
        case let error as SystemError: "\(error)"
        case let error as CocoaError: words(error)
        default: "it cannot be read or written"
        }
    }

    private static func words(_ failure: HostFile.Failure) -> String {
        switch failure {
        case .notRegular, .ofKernel: "it is not a regular file"
        case .tooLong(let limit): "it is longer than \(limit) bytes"
        case .noProc: "/proc is not mounted"
        case .failed(let number): String(cString: strerror(number))
        }
    }

    private static func words(_ error: CocoaError) -> String {
        switch error.code {
        case .fileWriteNoPermission, .fileReadNoPermission: String(cString: strerror(EACCES))
        case .fileWriteOutOfSpace: String(cString: strerror(ENOSPC))
        case .fileWriteVolumeReadOnly: String(cString: strerror(EROFS))
        case .fileNoSuchFile, .fileReadNoSuchFile: String(cString: strerror(ENOENT))
        case .fileReadCorruptFile: "it is empty"
        default: "it cannot be read or written"
        }
    }
}
