// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import Testing

@Suite("A key in a device is named by a URI")
struct HardwareKeyTests {
    @Test(
        "of a token's key or a TPM's",
        arguments: [
            ("pkcs11:token=a;object=b", "pkcs11", "pkcs11:token=a;object=b;type=private"),
            ("pkcs11:serial=01;id=%02;type=private", "pkcs11", "pkcs11:serial=01;id=%02;type=private"),
            ("handle:0x81000001", "tpm2", "handle:0x81000001"),
            ("file:/etc/k.pem", "tpm2", "file:/etc/k.pem"),
            ("file:///etc/k.pem", "tpm2", "file:///etc/k.pem"),
            ("object:/etc/k", "tpm2", "object:/etc/k"),
        ]
    )
    func valid(uri: String, provider: String, lookup: String) throws {
        let key = try HardwareKey(uri: uri)
        #expect(key.uri == uri)
        #expect(key.provider.rawValue == provider)
        #expect(key.lookup == lookup)
    }

    @Test("and perhaps the module, which the provider is told in another way")
    func module() throws {
        let key = try HardwareKey(uri: "pkcs11:token=a;object=b?module-path=%2Fusr/lib/a-1_2.so", pinFile: "/pin")
        #expect(key.modulePath == "/usr/lib/a-1_2.so")
        #expect(key.lookup == "pkcs11:token=a;object=b;type=private")
        #expect(key.pinFile == "/pin")
        for path in ["lib.so", "/a%20b.so", "/a%0Ab.so", "/a$b.so", "/a%", ""] {
            #expect(throws: HardwareKey.Problem.wrongModule) {
                try HardwareKey(checking: "pkcs11:token=a;object=b?module-path=\(path)")
            }
        }
    }

    @Test("a TPM asks for the password of a key only if there is one; a file says so itself")
    func password() throws {
        #expect(try HardwareKey(uri: "handle:0x81000001", pinFile: "/pin").lookup == "handle:0x81000001?pass")
        let file = try HardwareKey(uri: "file:///a", pinFile: "/pin")
        #expect(file.lookup == "file:///a")
        #expect(file.file == "/a")
    }

    @Test(
        "and anything else is refused",
        arguments: [
            ("", .unknownScheme), ("/etc/k.pem", .unknownScheme), ("k", .unknownScheme), ("http://a", .unknownScheme),
            ("PKCS11:token=a;object=b", .unknownScheme), ("pkcs11:", .noToken), ("pkcs11:object=b", .noToken),
            ("pkcs11:token=;object=b", .noToken), ("pkcs11:token=a", .noObject), ("pkcs11:token=a;id=", .noObject),
            ("pkcs11:token=a;object=b?module-name=c", .wrongModule),
            ("pkcs11:token=a;object=b?module-path=/a&module-path=/b", .wrongModule),
            ("pkcs11:token=a;object=b?module-path=/a?b", .wrongModule), ("handle:81000001", .noHandle),
            ("handle:0x8100", .noHandle), ("handle:0x81000001?pass", .noHandle), ("file:k.pem", .noPath),
            ("file://host/k", .noPath), ("file:", .noPath), ("pkcs11:token=a b;object=c", .notPrintable),
            ("pkcs11:token=ä;object=c", .notPrintable), ("pkcs11:token=a\0;object=c", .notPrintable),
            ("file:/" + String(repeating: "a", count: HardwareKey.longest), .tooLong),
        ] as [(String, HardwareKey.Problem)]
    )
    func invalid(uri: String, problem: HardwareKey.Problem) {
        #expect(throws: problem) { try HardwareKey(checking: uri) }
    }

    @Test(
        "and one with a PIN is refused without a word of it, however it is written",
        arguments: [
            "pkcs11:token=a;object=b?pin-value=4711", "pkcs11:token=a;object=b?PIN-VALUE=4711",
            "pkcs11:token=a;object=b?pin%2Dvalue=4711", "pkcs11:token=a;object=b?module-path=/m&pin-value=4711",
            "pkcs11:token=a;pin-value=4711;object=b", "pkcs11:token=a;object=b?pin-source=file:/4711",
            "handle:0x81000001?pin-value=4711", "http:pin-value=4711",
            "pkcs11:token=a;object=b?pin-value=4711" + String(repeating: "a", count: HardwareKey.longest),
        ]
    )
    func pins(uri: String) {
        #expect(HardwareKey.holdsPIN(uri))
        #expect(throws: HardwareKey.Problem.holdsPIN) { try HardwareKey(checking: uri) }
        do {
            _ = try HardwareKey(uri: uri)
        } catch {
            #expect(!"\(error)".contains("4711"))
            #expect("\(error)".contains("keyPinFile"))
        }
    }
}
