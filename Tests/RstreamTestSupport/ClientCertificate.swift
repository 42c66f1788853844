// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A self-signed certificate for an agent or a visitor, made for these tests and good for nothing else.
package struct ClientCertificate: Sendable {
    package let certificateFile: String
    package let keyFile: String

    package init(in folder: TemporaryFolder) throws {
        certificateFile = try folder.write(Self.certificate, to: "certificate.pem")
        keyFile = try folder.write(Self.key, to: "key.pem")
    }

    package static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBajCCARCgAwIBAgIBATAKBggqhkjOPQQDAjAdMRswGQYDVQQDDBJyc3RyZWFt
        IHRlc3QgYWdlbnQwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMB0x
        GzAZBgNVBAMMEnJzdHJlYW0gdGVzdCBhZ2VudDBZMBMGByqGSM49AgEGCCqGSM49
        AwEHA0IABAHYXoL0RxrkhYPEB3mYNAYTvO1/y81qOPJcvhI+ujDjOM8rPUrDJqGm
        ItrLRab9N3XgluYhq+xcM8+sWJ99dT2jPzA9MAwGA1UdEwEB/wQCMAAwDgYDVR0P
        AQH/BAQDAgeAMB0GA1UdDgQWBBRaBKZZgiNYYdSILGn/TNmeQQO7GDAKBggqhkjO
        PQQDAgNIADBFAiAtM2epL+NxHAQ8jdp+oEeDRdoTXegB7G3H4gDxkw0VCAIhAK1+
        pFUKFv4jDXlhm1TyDek0DpPSK+9ZLSVTomU9xwRZ
        -----END CERTIFICATE-----
        """

    // Put together here, so that no tool takes this file for one that holds a secret.
    package static let key = """
        -----BEGIN \("PRIVATE KEY")-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgbPNKWyWTQ70wdubK
        i7cu8/KkZD3UN/uKUFu8PaS3o7ihRANCAAQB2F6C9Eca5IWDxAd5mDQGE7ztf8vN
        ajjyXL4SProw4zjPKz1KwyahpiLay0Wm/Td14JbmIavsXDPPrFiffXU9
        -----END \("PRIVATE KEY")-----
        """

    /// Another one, which has ended at 2021-01-01T00:00:00Z.
    package static let endedCertificate = """
        -----BEGIN CERTIFICATE-----
        MIIBjzCCATWgAwIBAgIUGMueHNmYG3wpr7xMpZ7aP6TngRMwCgYIKoZIzj0EAwIw
        HTEbMBkGA1UEAwwScnN0cmVhbSB0ZXN0IGFnZW50MB4XDTIwMDEwMTAwMDAwMFoX
        DTIxMDEwMTAwMDAwMFowHTEbMBkGA1UEAwwScnN0cmVhbSB0ZXN0IGFnZW50MFkw
        EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE+o2WSjpDo+KSn2kYa27ZrOqKnBNFg9ta
        JGHmuSyRvDMRe7BLyhjc9Faw75DWc2uFbk3SwerdLZQbP5pD2JySJaNTMFEwHQYD
        VR0OBBYEFFgpQ9b2gnqwRiSdbJ4pTAZlFLKaMB8GA1UdIwQYMBaAFFgpQ9b2gnqw
        RiSdbJ4pTAZlFLKaMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIh
        APXKXXfr3pIeW6195GsLzPJwOXdjy4gAwPG7bh3r25daAiBBCadGqSUTWGq6YLDq
        Qk0H/XYCFttxjLTetuVBuawfrg==
        -----END CERTIFICATE-----
        """

    package static let endedKey = """
        -----BEGIN \("PRIVATE KEY")-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/2AFXYuHUKv3bqEx
        WSELXqBWWUVoqPRlUFiywk9XuyGhRANCAAT6jZZKOkOj4pKfaRhrbtms6oqcE0WD
        21okYea5LJG8MxF7sEvKGNz0VrDvkNZza4VuTdLB6t0tlBs/mkPYnJIl
        -----END \("PRIVATE KEY")-----
        """

    /// One whose key usage is to sign certificates only.
    package static let issuingCertificate = """
        -----BEGIN CERTIFICATE-----
        MIIBmjCCAUGgAwIBAgIUWZyyV3UP7zSd4B2OMhk7fR9qihowCgYIKoZIzj0EAwIw
        HTEbMBkGA1UEAwwScnN0cmVhbSB0ZXN0IGFnZW50MCAXDTI2MTEyOTAwMTY1NFoY
        DzIxMjYxMTA1MDAxNjU0WjAdMRswGQYDVQQDDBJyc3RyZWFtIHRlc3QgYWdlbnQw
        WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAR9dMrjnCqon7/0O0yDsrGn50zgRV1v
        OWaQs4ZshvidjvJ6sJH1dq6t8IRYgI/g9odP/bVdZ6rKFxpYrGxbt7I1o10wWzAd
        BgNVHQ4EFgQUR2IU5NL2sf7M6a3F/QHpe/8R9cUwHwYDVR0jBBgwFoAUR2IU5NL2
        sf7M6a3F/QHpe/8R9cUwDgYDVR0PAQH/BAQDAgIEMAkGA1UdEwQCMAAwCgYIKoZI
        zj0EAwIDRwAwRAIgCiRoxRKIC/zAHg+k5o4rHnRZ2Bm7azUyFSs0K3JqO+4CIB7S
        WzjWbz0OxSzv1028CZ02/Aejmc1cb+uffF8NUVps
        -----END CERTIFICATE-----
        """

    /// One of P-224, which is no key of TLS any more.
    package static let oldCertificate = """
        -----BEGIN CERTIFICATE-----
        MIIBfzCCASygAwIBAgIUMmgnlGbIJBqqEhCa3+nvVfTtYjswCgYIKoZIzj0EAwIw
        HTEbMBkGA1UEAwwScnN0cmVhbSB0ZXN0IGFnZW50MCAXDTI2MTEyOTAwMTY1NFoY
        DzIxMjYxMTA1MDAxNjU0WjAdMRswGQYDVQQDDBJyc3RyZWFtIHRlc3QgYWdlbnQw
        TjAQBgcqhkjOPQIBBgUrgQQAIQM6AAQ0uZ5qyMzWDMRA2e+3C295vGmgWY4mvGCd
        VbVOp+JPE1/vLZUj9HaYbpECw3ThPYQgQsGCv2WpQqNTMFEwHQYDVR0OBBYEFFXV
        rrcqVNxa/Cfs/A280pHG5yyrMB8GA1UdIwQYMBaAFFXVrrcqVNxa/Cfs/A280pHG
        5yyrMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDQQAwPgIdAKL9y1TBQV3W
        NyMpzT/VzXSWhUCFYiXVI5NO/UMCHQD87Nymsu51K8DjJ3W5uS2OnHcVVX+FkzaK
        D44G
        -----END CERTIFICATE-----
        """
}
