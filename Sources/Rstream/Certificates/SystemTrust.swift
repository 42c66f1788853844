internal import Glibc
internal import Linux
internal import NIOSSL
internal import RstreamModel
internal import Synchronization

/// The authorities that this host trusts, from the places where Go looks for them: the first readable file of its list,
/// and all files in its folders. `SSL_CERT_FILE` and `SSL_CERT_DIR` name others instead.
///
/// A store is read again when it changed on the disk and shared otherwise: hundreds of sessions hold one copy.
struct SystemTrust: Sendable {
    let certificates: [NIOSSLCertificate]
    let set: Set<NIOSSLCertificate>
    /// The places that were searched.
    let places: [String]

    static let none = SystemTrust(certificates: [], places: [])

    private static let files = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
        "/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
    ]
    private static let folders = ["/etc/ssl/certs", "/etc/pki/tls/certs"]
    /// No bundle is larger, and no folder holds more.
    private static let largestFile = 16 << 20
    private static let mostFiles = 10_000

    private init(certificates: [NIOSSLCertificate], places: [String]) {
        self.certificates = certificates
        set = Set(certificates)
        self.places = places
    }

    // MARK: Reading

    /// Blocks for as long as the disk does.
    static func read(file: String?, folders list: String?) -> SystemTrust {
        let (files, folders) = places(file: file, folders: list)
        let bundle = files.lazy.compactMap { try? FileContents(of: $0, limit: largestFile).bytes }.first
        var (known, found) = (Set<NIOSSLCertificate>(), [NIOSSLCertificate]())
        func take(_ pem: [UInt8]) {
            for certificate in CertificateBundle(pem: pem).certificates where known.insert(certificate).inserted {
                found.append(certificate)
            }
        }
        if let bundle { take(bundle) }
        for folder in folders {
            for name in names(in: folder) {
                let path = "\(folder)/\(name)"
                // The bundle lies in one of the folders itself.
                guard !files.contains(where: { $0.sameBytes(as: path) }),
                    let file = try? FileContents(of: path, limit: largestFile)
                else { continue }
                take(file.bytes)
            }
        }
        return SystemTrust(certificates: found, places: files + folders)
    }

    private static func places(file: String?, folders list: String?) -> (files: [String], folders: [String]) {
        (
            file.flatMap { $0.isEmpty ? nil : [$0] } ?? files,
            list.flatMap { $0.isEmpty ? nil : $0.split(byte: ":").map(String.init) } ?? folders
        )
    }

    private static func names(in folder: String) -> [String] {
        guard let handle = opendir(folder) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while names.count < mostFiles, let entry = readdir(handle) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.startsWithBytes(of: ".") { names.append(name) }
        }
        return names.sorted()
    }

    /// The store for a peer that `own` authorities are configured for as well; a host without a store needs those.
    func usable(besides own: [NIOSSLCertificate], for peer: ConnectionPeer) throws(RstreamError) -> SystemTrust {
        guard certificates.isEmpty, own.isEmpty else { return self }
        let other = peer.caFile.map { ", or name the \(peer.noun)'s CA in \($0)" } ?? ""
        throw RstreamError(
            code: .invalidConfig,
            origin: .host,
            retry: .afterBackoff,
            what:
                "this host has no certificate authorities to trust: there are none in \(places.joined(separator: ", "))",
            fix: "install ca-certificates\(other)"
        )
    }

    // MARK: The process's own

    private struct Shared {
        var seen: [Stamp]?
        var trust = SystemTrust.none
    }

    /// The facts that change when a file, or the list of names in a folder, changes.
    private struct Stamp: Hashable {
        let node: UInt
        let seconds: Int
        let nanoseconds: Int
        let size: Int

        init?(_ path: String) {
            var status = Glibc.stat()
            guard stat(path, &status) == 0 else { return nil }
            (node, size) = (UInt(status.st_ino), Int(status.st_size))
            (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
        }
    }

    private static let shared = Mutex(Shared())

    /// This host's store as it is now. Blocks for as long as the disk does.
    static func current() -> SystemTrust {
        MayBlock.now("looking at the trust store")
        let (file, list) = (variable("SSL_CERT_FILE"), variable("SSL_CERT_DIR"))
        let (files, folders) = places(file: file, folders: list)
        let stamps = (files + folders).compactMap(Stamp.init)
        return shared.withLock { shared in
            if shared.seen != stamps { shared = Shared(seen: stamps, trust: read(file: file, folders: list)) }
            return shared.trust
        }
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
