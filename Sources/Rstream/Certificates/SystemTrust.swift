// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import NIOSSL
internal import RstreamModel
internal import Synchronization

#if EngineTLS
internal import EngineTLS
#endif

/// This host's trust store, read from the same places as Go's: the first readable file of a list, and all files in some
/// folders. `SSL_CERT_FILE` and `SSL_CERT_DIR` override them.
///
/// ``current()`` reads the store again only if it changed on the disk; hundreds of sessions share one copy. That copy
/// is guarded by a mutex.
struct SystemTrust: Sendable {
    let certificates: [NIOSSLCertificate]
    let set: Set<NIOSSLCertificate>
    /// The files and folders that were searched.
    let places: [String]
    #if EngineTLS
    private let forEngines = EngineAnchors()
    #endif

    static let none = SystemTrust(certificates: [], places: [])

    private static let files = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
        "/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
    ]
    private static let folders = ["/etc/ssl/certs", "/etc/pki/tls/certs"]
    /// In bytes, and in names per folder; both far above any real store.
    private static let largestFile = 16 << 20
    private static let mostFiles = 10_000

    private init(certificates: [NIOSSLCertificate], places: [String]) {
        self.certificates = certificates
        set = Set(certificates)
        self.places = places
    }

    // MARK: Reading

    /// Reads the store. `file` and `list`, a `:`-separated list of folders, override the built-in places. Blocks on the
    /// disk.
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
                // One of the folders contains the bundle too.
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

    /// The store, for a peer that may also be verified by the authorities in `own`. Throws if neither has any.
    func usable(besides own: [NIOSSLCertificate], for peer: ConnectionPeer) throws(RstreamError) -> SystemTrust {
        guard certificates.isEmpty, own.isEmpty else { return self }
        let other = peer.caFile.map { ", or name the \(peer.noun)'s CA in \($0)" } ?? ""
        throw RstreamError(
            code: .invalidConfig,
            origin: .host,
            retry: .afterBackoff,
            what:
                "this host has no trusted certificate authorities: none found in \(places.joined(separator: ", "))",
            fix: "install ca-certificates\(other)"
        )
    }

    // MARK: The shared copy

    private struct Shared {
        var seen: [Stamp]?
        var trust = SystemTrust.none
    }

    /// Changes when a file, or the list of names in a folder, changes.
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

    private static let shared = Lock(Shared())

    /// The store as it is now. Blocks on the disk.
    static func current() -> SystemTrust {
        MayBlock.now("reading the trust store")
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

#if EngineTLS
extension SystemTrust {
    /// The certificates as EngineTLS has them. Parsed once for all copies, when they are first asked for.
    var engineAnchors: TLSAnchors { forEngines.made(of: certificates) }

    /// Guarded by a mutex.
    private final class EngineAnchors: Sendable {
        private let anchors = Lock<TLSAnchors?>(nil)

        func made(of certificates: [NIOSSLCertificate]) -> TLSAnchors {
            anchors.withLock { anchors in
                let made = anchors ?? TLSAnchors(certificates)
                anchors = made
                return made
            }
        }
    }
}
#endif

/// The certificates that a TLS client trusts. A chain may end at any of them, root or not, as in Go.
struct TrustAnchors: Sendable {
    private let system: Set<NIOSSLCertificate>
    private let own: Set<NIOSSLCertificate>

    init(system: Set<NIOSSLCertificate> = [], own: Set<NIOSSLCertificate> = []) {
        self.system = system
        self.own = own
    }

    func contains(_ certificate: NIOSSLCertificate) -> Bool {
        own.contains(certificate) || system.contains(certificate)
    }
}
