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
}
