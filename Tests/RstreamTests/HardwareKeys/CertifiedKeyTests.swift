// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Testing

@testable import Rstream

@Suite("The public key for which a device signs")
struct CertifiedKeyTests {
    @Test(
        "has the one scheme that TLS 1.3 has for it",
        arguments: [(TestKey.Kind.p256, 0x0403), (.p384, 0x0503), (.p521, 0x0603), (.ed25519, 0x0807)]
            as [(TestKey.Kind, UInt16)]
    )
    func schemes(kind: TestKey.Kind, scheme: UInt16) {
        let der = TestKey(kind).publicKey
        #expect(CertifiedKey(der: der)?.scheme == scheme)
        #expect(CertifiedKey(der: der)?.der == der)
    }

    @Test("or is RSA, with PSS")
    func rsa() {
        let name = DER.identifier(0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1)
        #expect(CertifiedKey(der: DER.sequence(DER.sequence(name, [5, 0]), DER.bits([])))?.scheme == 0x0804)
    }

    @Test("is none of another kind, and nothing that is cut off")
    func others() {
        let curve = DER.identifier(0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1)
        #expect(CertifiedKey(der: DER.sequence(DER.sequence(curve, DER.identifier(0x2B, 0x81, 4, 0, 10)))) == nil)
        #expect(CertifiedKey(der: DER.sequence(DER.sequence(DER.identifier(0x2B, 0x65, 0x71)))) == nil)
        let whole = TestKey(.p256).publicKey
        for length in 0..<20 { #expect(CertifiedKey(der: Array(whole.prefix(length))) == nil) }
    }
}
