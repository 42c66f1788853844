// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// RSA certificates, strong and weak, made with OpenSSL and valid from 2020 to 2120. The leaves are for
/// `peer.example.test`, `localhost` and 127.0.0.1, and belong to ``key`` unless noted.
enum RSACertificates {
    /// Self-signed, with SHA-1.
    static let anchor = """
        -----BEGIN CERTIFICATE-----
        MIIC1TCCAb2gAwIBAgIUGSbuF5PVvvXUMdPzipnjypRuuskwDQYJKoZIhvcNAQEF
        BQAwETEPMA0GA1UEAwwGYW5jaG9yMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAx
        MDAwMDAwWjARMQ8wDQYDVQQDDAZhbmNob3IwggEiMA0GCSqGSIb3DQEBAQUAA4IB
        DwAwggEKAoIBAQDVIXabGHSFOqJlOpeurrf7oInUM0hu8zwNAsfWmTaE5sJd6dy8
        57q9n4qTDpkZNPaJnY5Jirx1mEN74JjDKJkcHQxf2t1BcQOj7N9Aqf8sx4abvKVr
        TbJxo88zRgCsvLFuvXhMfZ9THnrcYlEzksj8I7DQmk9tAj+6nGprFxdYB/ace7Qc
        3Ji9nGcLCjhiE9bVvxqqhHMc1IWKTWiCBH+rYZcLeEVMzZkUubGO7IFH1I9rp2p7
        MJSVLItvNia+thz9LDR1dTxgzvl6OG2p+SfaIce/a5WoJ04W1ftH9pOIn2dB4E7s
        cpedd1egKlbKQJsDFmLtJ/3uFb4gSGhLBsqPAgMBAAGjIzAhMA8GA1UdEwEB/wQF
        MAMBAf8wDgYDVR0PAQH/BAQDAgEGMA0GCSqGSIb3DQEBBQUAA4IBAQDOUQYkej2K
        aqYwBMlR+9dLrIKuBY4mlqj8LgO7MEyo1vrEYceR2nzrk/kYL8EYgUuHWAkLW7QB
        KSAbXxc0l0dz/C/2FcmiUyY8/sOE8KZPEUSbBkaU6rMC3kZSXLwaKIHXd+aNFBAe
        BkM7LsChN2N7p4aAQo2pkgX5ZmtGRZiamFNNKxJh8HpRiOALZNfBcHMs+GbOQQa1
        +DqhPX2mgtatx3DhfaBU8EQoYr+xamZHobzToST+O1o4xOs8U6xWNcbm8ajBpSAo
        AxE7+qde9qu5vVLED3iIKINIeoxvPhnjKlo23sR1VzPTDFExfZqY9CuPKmILHGeP
        W1//ht3YZdI6
        -----END CERTIFICATE-----
        """

    static let good = """
        -----BEGIN CERTIFICATE-----
        MIIDOjCCAiKgAwIBAgIURyKjx8ipmjRWz03bOY+BM4Rq6w4wDQYJKoZIhvcNAQEL
        BQAwETEPMA0GA1UEAwwGYW5jaG9yMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAx
        MDAwMDAwWjAPMQ0wCwYDVQQDDARsZWFmMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A
        MIIBCgKCAQEA0kY1dgCE6KmmTYjVLes5op3ARvIuUEVW0JBRqrMwv9natzC0HLlK
        kq9ElvHyrgbXCgy0lEI88g4BGzUr/BAmmTaNeHVDPcje0buKKUleOkrWdfFpNTmt
        qzsX5O/bwLRHq0zAkR/MGa+yJGcmN/pyBDthzl/ziZwvraP59hTjrNGjB2++KVa2
        dVmm6J9g86zHWGSab2LpH7gjT9D+Ysgn47CMQRroGVbovaMjkdAc5FbMOQ49oGYK
        oiu0KOVjAYdF5eDYbDecbnc6KcVl47yKrEcEy7aeqwCkF9vxM1N5WTsqYUaBRozV
        +XbJ4BLYqfDB8vul8yt2+axKxw0MuSBOoQIDAQABo4GJMIGGMC0GA1UdEQQmMCSC
        EXBlZXIuZXhhbXBsZS50ZXN0gglsb2NhbGhvc3SHBH8AAAEwHQYDVR0OBBYEFGTp
        gN+atQBak3kNUmSw3wjD3nyZMDYGA1UdIwQvMC2hFaQTMBExDzANBgNVBAMMBmFu
        Y2hvcoIUGSbuF5PVvvXUMdPzipnjypRuuskwDQYJKoZIhvcNAQELBQADggEBAFxH
        HQGZ4RMsDSwZVAPIDkVU8vxLpzCsTwqjQnWFieJ0CdL4KcSwDWFuqgN9sLPpoG7N
        e1HhWSDJItXLzqLRxNLRV7vdu03Ovx7qbqjKlIHadctapPh9J8oPXaBXhzgrB/LS
        OjJ92RFgsqmd9o2a8YFZqNli2liyjWKmA9WH4EIQTIAli7zF6qlpff5ayb5rO3On
        IE80Qd5yxPgSvdLO+tM9zMR6Pf6RQbKk+mG222TPuVPZMvzwWdBkNJRnjxFN26gg
        WbZxxbzWADEgy8v8OrWIXLulz8/XT7m0Hyo1N0Ultrv29Q9SZs8G8sogKf5YQy24
        4PK1BBOHKdXxEaxJwKQ=
        -----END CERTIFICATE-----
        """

    static let sha1 = """
        -----BEGIN CERTIFICATE-----
        MIIDOjCCAiKgAwIBAgIUIGbjh04P55fnHWnuQ2vPhS9de0YwDQYJKoZIhvcNAQEF
        BQAwETEPMA0GA1UEAwwGYW5jaG9yMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAx
        MDAwMDAwWjAPMQ0wCwYDVQQDDARsZWFmMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A
        MIIBCgKCAQEA0kY1dgCE6KmmTYjVLes5op3ARvIuUEVW0JBRqrMwv9natzC0HLlK
        kq9ElvHyrgbXCgy0lEI88g4BGzUr/BAmmTaNeHVDPcje0buKKUleOkrWdfFpNTmt
        qzsX5O/bwLRHq0zAkR/MGa+yJGcmN/pyBDthzl/ziZwvraP59hTjrNGjB2++KVa2
        dVmm6J9g86zHWGSab2LpH7gjT9D+Ysgn47CMQRroGVbovaMjkdAc5FbMOQ49oGYK
        oiu0KOVjAYdF5eDYbDecbnc6KcVl47yKrEcEy7aeqwCkF9vxM1N5WTsqYUaBRozV
        +XbJ4BLYqfDB8vul8yt2+axKxw0MuSBOoQIDAQABo4GJMIGGMC0GA1UdEQQmMCSC
        EXBlZXIuZXhhbXBsZS50ZXN0gglsb2NhbGhvc3SHBH8AAAEwHQYDVR0OBBYEFGTp
        gN+atQBak3kNUmSw3wjD3nyZMDYGA1UdIwQvMC2hFaQTMBExDzANBgNVBAMMBmFu
        Y2hvcoIUGSbuF5PVvvXUMdPzipnjypRuuskwDQYJKoZIhvcNAQEFBQADggEBAG6E
        U0eHJb9Bi5uW5PXuzjiuyP1+gBX1iQkL7bA2b53FQwjmIuUVCoICNhhGQYmmKg7v
        1NBecu7s1qYX7ancEPNsrrY/TZmW5U1lpu3xRttlr9XN5lETaLkkTDUAQRXFh4jn
        I5EY12JDMjsdyeCDbS1gudeafnUh3Euc6ELQj6bzrzdED0pHyrfM5w+Wm06Hlwe7
        2OYiGSWbEH8D0wWDSz16tkQdcpu99Gtw5B5Y+mn0MBrI4YBwt5F23wqN2OB03mt2
        yFngyAAynzArHnYQaOKlAkh6cznG0oty4cfP1bsS8jbk454YeEkk4ZU2JsHWHGGM
        XFz10K4nfMRw0Bz+VQ8=
        -----END CERTIFICATE-----
        """

    static let md5 = """
        -----BEGIN CERTIFICATE-----
        MIIDOjCCAiKgAwIBAgIUMdNkfdbexT1coaUy60NzelounKAwDQYJKoZIhvcNAQEE
        BQAwETEPMA0GA1UEAwwGYW5jaG9yMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAx
        MDAwMDAwWjAPMQ0wCwYDVQQDDARsZWFmMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A
        MIIBCgKCAQEA0kY1dgCE6KmmTYjVLes5op3ARvIuUEVW0JBRqrMwv9natzC0HLlK
        kq9ElvHyrgbXCgy0lEI88g4BGzUr/BAmmTaNeHVDPcje0buKKUleOkrWdfFpNTmt
        qzsX5O/bwLRHq0zAkR/MGa+yJGcmN/pyBDthzl/ziZwvraP59hTjrNGjB2++KVa2
        dVmm6J9g86zHWGSab2LpH7gjT9D+Ysgn47CMQRroGVbovaMjkdAc5FbMOQ49oGYK
        oiu0KOVjAYdF5eDYbDecbnc6KcVl47yKrEcEy7aeqwCkF9vxM1N5WTsqYUaBRozV
        +XbJ4BLYqfDB8vul8yt2+axKxw0MuSBOoQIDAQABo4GJMIGGMC0GA1UdEQQmMCSC
        EXBlZXIuZXhhbXBsZS50ZXN0gglsb2NhbGhvc3SHBH8AAAEwHQYDVR0OBBYEFGTp
        gN+atQBak3kNUmSw3wjD3nyZMDYGA1UdIwQvMC2hFaQTMBExDzANBgNVBAMMBmFu
        Y2hvcoIUGSbuF5PVvvXUMdPzipnjypRuuskwDQYJKoZIhvcNAQEEBQADggEBABvf
        ACIbERlWD5w52azTbERqSFhA73KyqJkJjI91eWNhX+REKe6HHJDyShCYYCLRc70U
        2ojVCijWEUlb8+LWiLkm3nY/lPx0VrK/s6RLP72e/o9R9Y2ExXMAGfW8i3Hfyf5O
        H7uk9IAe0KNuJsWSuBUTeCrv/LbQOmL32lvdIMaigLzDQpcKYrd4AKz9iPM1cC80
        I6ir2zEJhMtreKZS15quypq1L22aXowLXx0FSnhDI+FH3PEieUoOak8AQALwDSmZ
        5V3fK0j7ijjybQHBON1ldV/7N12SLV9QakwuLDIjjssPk+IWe2G4Gnza8KJLi6SN
        Z/9IzwKpiBEKFVTLzKw=
        -----END CERTIFICATE-----
        """

    /// RSASSA-PSS with SHA-256.
    static let pss = """
        -----BEGIN CERTIFICATE-----
        MIIDojCCAlagAwIBAgIUBysvLbZUylDrT1brHe9GohXXXcMwQQYJKoZIhvcNAQEK
        MDSgDzANBglghkgBZQMEAgEFAKEcMBoGCSqGSIb3DQEBCDANBglghkgBZQMEAgEF
        AKIDAgEgMBExDzANBgNVBAMMBmFuY2hvcjAgFw0yMDAxMDEwMDAwMDBaGA8yMTIw
        MDEwMTAwMDAwMFowDzENMAsGA1UEAwwEbGVhZjCCASIwDQYJKoZIhvcNAQEBBQAD
        ggEPADCCAQoCggEBANJGNXYAhOippk2I1S3rOaKdwEbyLlBFVtCQUaqzML/Z2rcw
        tBy5SpKvRJbx8q4G1woMtJRCPPIOARs1K/wQJpk2jXh1Qz3I3tG7iilJXjpK1nXx
        aTU5ras7F+Tv28C0R6tMwJEfzBmvsiRnJjf6cgQ7Yc5f84mcL62j+fYU46zRowdv
        vilWtnVZpuifYPOsx1hkmm9i6R+4I0/Q/mLIJ+OwjEEa6BlW6L2jI5HQHORWzDkO
        PaBmCqIrtCjlYwGHReXg2Gw3nG53OinFZeO8iqxHBMu2nqsApBfb8TNTeVk7KmFG
        gUaM1fl2yeAS2KnwwfL7pfMrdvmsSscNDLkgTqECAwEAAaOBiTCBhjAtBgNVHREE
        JjAkghFwZWVyLmV4YW1wbGUudGVzdIIJbG9jYWxob3N0hwR/AAABMB0GA1UdDgQW
        BBRk6YDfmrUAWpN5DVJksN8Iw958mTA2BgNVHSMELzAtoRWkEzARMQ8wDQYDVQQD
        DAZhbmNob3KCFBkm7heT1b711DHT84qZ48qUbrrJMEEGCSqGSIb3DQEBCjA0oA8w
        DQYJYIZIAWUDBAIBBQChHDAaBgkqhkiG9w0BAQgwDQYJYIZIAWUDBAIBBQCiAwIB
        IAOCAQEAYlj5L1ohdrzZ5Sp62an05nf96c5UwvHSxiaqQyvNEgm5y6cbQd02mlmN
        EWL7UDI27JPjoYXKvPXoFeSO/VOXmFcksLb7vUEu5Kv2lHrOgqf3HE05USeRvMyr
        CggG797lGxf/ipPKARUmMi88nauXJlcnclS+5KxM8KwtAYjuXjD/f2W9sxifSQRV
        ym6ixQaX7YnjvvBN9wlOcRGk7jhZ5y6q2QmBYXWDoMrdXjkWHHj86Wte/02jPGtV
        a3ZJoT3qfo82xgTiBKXNlziDlbFxN98+M/7BiES0Pcn/oB9gYI8+o13b/d+oJlFY
        A0UqY8kHc1ZTi+87fSfqyYsJ8dwd8w==
        -----END CERTIFICATE-----
        """

    /// With the key of 1,024 bits.
    static let shortKey = """
        -----BEGIN CERTIFICATE-----
        MIICtjCCAZ6gAwIBAgIUWCm005xeiknDBhDMvI5IQ/Xwvu0wDQYJKoZIhvcNAQEL
        BQAwETEPMA0GA1UEAwwGYW5jaG9yMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAx
        MDAwMDAwWjAPMQ0wCwYDVQQDDARsZWFmMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCB
        iQKBgQDVc5C558pFNH6UfjH3au/RbY00joaUJe+WCcAjdUV/nGzVV5LwWt6c6Ydp
        /c/txdgr0MnQRPz1WMDt8pnwc88MmgTL+wQP4no5dqDc8Er6rz0myf+Pg/0euNqg
        erY/7scjZz9X19dE5ji5Vc2FDgdAs63lLrXvdtoBnihAs91LsQIDAQABo4GJMIGG
        MC0GA1UdEQQmMCSCEXBlZXIuZXhhbXBsZS50ZXN0gglsb2NhbGhvc3SHBH8AAAEw
        HQYDVR0OBBYEFHo/O1FAFPkD9WCXLFKfl1m6kUq/MDYGA1UdIwQvMC2hFaQTMBEx
        DzANBgNVBAMMBmFuY2hvcoIUGSbuF5PVvvXUMdPzipnjypRuuskwDQYJKoZIhvcN
        AQELBQADggEBAD/KddrFwUcqkmRSdcTIhCOoaNFPWD6UfK3hzdQ+1NKj3dez7W9M
        A8T7motnll6FbUVQs/e/x5IEyeMrhJlvKFgDI3Dai0sStF9mFb9kzPEll6TtEFFX
        7RxKkz2XxBpbmqYh1tPjcdksPDRW+U9pnPm53rKUDZhkcLEM9DZ9Jf1u7kBcL0O1
        mQvW0imrpL1/b06H/9rX6HwkJy67JiMupi8cF7vLU5QYHRLrhNhcuLHkBgzlMMLX
        l+VYGfeOE1Hr4tiFRSy9ptYEeUQX1Q1smx26RqEmDN/+F20vdRAkPhDDRuT97BAT
        qUPJ6269yK0LazzMns38ihMDMYUOZUE2dpg=
        -----END CERTIFICATE-----
        """

    /// An authority below the anchor.
    static let sha1Issuer = """
        -----BEGIN CERTIFICATE-----
        MIIDDTCCAfWgAwIBAgIUHD5AYRrUNPQkVOWJvLQp+hvMWlMwDQYJKoZIhvcNAQEF
        BQAwETEPMA0GA1UEAwwGYW5jaG9yMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAx
        MDAwMDAwWjARMQ8wDQYDVQQDDAZtaWRkbGUwggEiMA0GCSqGSIb3DQEBAQUAA4IB
        DwAwggEKAoIBAQCkPsYUGyf2X7sNPbTz2BSIG+GyODugfe9+Kargz7h/zd6CsQgH
        f5ks+V9yw4ZRQCod8IjLKBBCNcoAno2QTyW7yT5+PCA3XTlV34/eSBvC6bqx+pMO
        kvnc/nhipxK66oxRe07gtAe9CEMQuIQeHxEklXU1HTAKjeHFO3UiALC8MVyYPE5d
        P5E19rPHapf8l7WcGkMhudiujTDYz0kUA76hWnifx8iOxiJbN665Fg3Cm3gyN6C8
        bad8Kfik6dqsxRnVZJXMqU1RVsOG+AN8Se0WuCOqu2fCZNhktQ0Vgx9rs6EbLq5c
        X3XWqeD/JPPbRRC2gGiakeAjxHz/RmMevW4jAgMBAAGjWzBZMA8GA1UdEwEB/wQF
        MAMBAf8wDgYDVR0PAQH/BAQDAgEGMDYGA1UdIwQvMC2hFaQTMBExDzANBgNVBAMM
        BmFuY2hvcoIUGSbuF5PVvvXUMdPzipnjypRuuskwDQYJKoZIhvcNAQEFBQADggEB
        AKHpNzUmSpbKHWXmDlorELlGqwBLTUQQT9nJH+Fq7Cs5Kzho1xU/4QZ6pYnCqYyL
        J9Zd4fMYhq8dPkzB2hzIK/hXU5HfDNADBA5EPJOrDso13tm7QssphW/TpK+0hGOJ
        l5bGvHn1KngfLyLWiMVVtQtHLwpaWthz6e46eGssHUse3VK5GCTCWgfASzAr+Cpu
        GkgZJnOLgxCy3O1EOko8pTLC8NsWpZwRv1YktTDBciHX737jXWc5Nwt1pKPY8RWV
        Zby7gNZw5zQrjie4kP1qE/GYzDOsvaLIHASOVbWidFBKGIPTykxAUT0+AvavmKmo
        PAM7CaYcLeJzPjhDXym/uBs=
        -----END CERTIFICATE-----
        """

    static let belowSHA1Issuer = """
        -----BEGIN CERTIFICATE-----
        MIIDOjCCAiKgAwIBAgIUf3kRG7f99rb5NFEa8NQtINJLl9gwDQYJKoZIhvcNAQEL
        BQAwETEPMA0GA1UEAwwGbWlkZGxlMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAx
        MDAwMDAwWjAPMQ0wCwYDVQQDDARsZWFmMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A
        MIIBCgKCAQEA0kY1dgCE6KmmTYjVLes5op3ARvIuUEVW0JBRqrMwv9natzC0HLlK
        kq9ElvHyrgbXCgy0lEI88g4BGzUr/BAmmTaNeHVDPcje0buKKUleOkrWdfFpNTmt
        qzsX5O/bwLRHq0zAkR/MGa+yJGcmN/pyBDthzl/ziZwvraP59hTjrNGjB2++KVa2
        dVmm6J9g86zHWGSab2LpH7gjT9D+Ysgn47CMQRroGVbovaMjkdAc5FbMOQ49oGYK
        oiu0KOVjAYdF5eDYbDecbnc6KcVl47yKrEcEy7aeqwCkF9vxM1N5WTsqYUaBRozV
        +XbJ4BLYqfDB8vul8yt2+axKxw0MuSBOoQIDAQABo4GJMIGGMC0GA1UdEQQmMCSC
        EXBlZXIuZXhhbXBsZS50ZXN0gglsb2NhbGhvc3SHBH8AAAEwHQYDVR0OBBYEFGTp
        gN+atQBak3kNUmSw3wjD3nyZMDYGA1UdIwQvMC2hFaQTMBExDzANBgNVBAMMBmFu
        Y2hvcoIUHD5AYRrUNPQkVOWJvLQp+hvMWlMwDQYJKoZIhvcNAQELBQADggEBAIwJ
        psAyRLrQqUwm9phddfCcObUuV24EGvOQjDNW1jui/H4OZqpczm+BqYi3D1a3FaoX
        0GNXGox37AjHWg+jNGnaIaebf/3hn3llXJxfs5xDj1EuEfam9zzLJLFH6VBhhlMj
        StEHf3P4SZy52z7JzMJOXeynrSi02pvA6RyMC0p01mEVVVEchEOtzfbENEdnzQXp
        eMqNqeX8hjyXlZkKzI6N9emNpxtU/BovybUxyFEyNgIKO+xz6cq+6CNQemXovi/y
        jWNdI+1bYMEH/ck4j7H61PETMKhY3Ke9O9d1FxR4OCISkON/WII2UBt/zzUADQA5
        CXAy/XpSr9RMAhIn0+c=
        -----END CERTIFICATE-----
        """

    /// An authority below the anchor with the key of 1,024 bits.
    static let shortIssuer = """
        -----BEGIN CERTIFICATE-----
        MIICjzCCAXegAwIBAgIURInen5WHE3kV4fUzNB53LaN6lU8wDQYJKoZIhvcNAQEL
        BQAwETEPMA0GA1UEAwwGYW5jaG9yMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAx
        MDAwMDAwWjAXMRUwEwYDVQQDDAxzbWFsbCBtaWRkbGUwgZ8wDQYJKoZIhvcNAQEB
        BQADgY0AMIGJAoGBANVzkLnnykU0fpR+Mfdq79FtjTSOhpQl75YJwCN1RX+cbNVX
        kvBa3pzph2n9z+3F2CvQydBE/PVYwO3ymfBzzwyaBMv7BA/iejl2oNzwSvqvPSbJ
        /4+D/R642qB6tj/uxyNnP1fX10TmOLlVzYUOB0CzreUute922gGeKECz3UuxAgMB
        AAGjWzBZMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgEGMDYGA1UdIwQv
        MC2hFaQTMBExDzANBgNVBAMMBmFuY2hvcoIUGSbuF5PVvvXUMdPzipnjypRuuskw
        DQYJKoZIhvcNAQELBQADggEBAHrzjdrNa+y4YsYHjEOOF6q5NdR9QxjBkgqkGY05
        IUOuXx2arJixk/rfZXrG0aIh5rbB/dUyaa3fpdTsWGQBR8aI/j62zZnSxF66zavG
        mAF1S4/SUrclGtZicvQk9bWgF3JRUK0L3VyVgCpIdLequXrYaS1MeUepZ1eWAXjU
        om0E5tuDZFP3ZlOZuDTxPSJ81T2wPYvKhIZMtDsf/g36mhaInhiXdb5bVGDrpdMd
        i6CNVH2O/Em9u3f95Z89He0mhuYUrT0ru8JaW4iW2pd9BmyLwd1YRZQUAUNCD7xK
        rZnqZccZzKa+zt9yMhaLS6/kQifLlAkpacgkyvdj8yT+n18=
        -----END CERTIFICATE-----
        """

    static let belowShortIssuer = """
        -----BEGIN CERTIFICATE-----
        MIICvzCCAiigAwIBAgIURb0723o2Pm3CHoQF5ZDqBT5Qzo4wDQYJKoZIhvcNAQEL
        BQAwFzEVMBMGA1UEAwwMc21hbGwgbWlkZGxlMCAXDTIwMDEwMTAwMDAwMFoYDzIx
        MjAwMTAxMDAwMDAwWjAPMQ0wCwYDVQQDDARsZWFmMIIBIjANBgkqhkiG9w0BAQEF
        AAOCAQ8AMIIBCgKCAQEA0kY1dgCE6KmmTYjVLes5op3ARvIuUEVW0JBRqrMwv9na
        tzC0HLlKkq9ElvHyrgbXCgy0lEI88g4BGzUr/BAmmTaNeHVDPcje0buKKUleOkrW
        dfFpNTmtqzsX5O/bwLRHq0zAkR/MGa+yJGcmN/pyBDthzl/ziZwvraP59hTjrNGj
        B2++KVa2dVmm6J9g86zHWGSab2LpH7gjT9D+Ysgn47CMQRroGVbovaMjkdAc5FbM
        OQ49oGYKoiu0KOVjAYdF5eDYbDecbnc6KcVl47yKrEcEy7aeqwCkF9vxM1N5WTsq
        YUaBRozV+XbJ4BLYqfDB8vul8yt2+axKxw0MuSBOoQIDAQABo4GJMIGGMC0GA1Ud
        EQQmMCSCEXBlZXIuZXhhbXBsZS50ZXN0gglsb2NhbGhvc3SHBH8AAAEwHQYDVR0O
        BBYEFGTpgN+atQBak3kNUmSw3wjD3nyZMDYGA1UdIwQvMC2hFaQTMBExDzANBgNV
        BAMMBmFuY2hvcoIURInen5WHE3kV4fUzNB53LaN6lU8wDQYJKoZIhvcNAQELBQAD
        gYEAgzmmQdobWcu3wbzbMn8GJxHxyDN3WWJolv1zQ/CY7h5kY8LxeegsjBiPcYlI
        rPCQCVcK7w7vvI9WLk73hKasM2c6HLIjRKUTPqcEl69fj5vPcSg9Bicb/GdoXSol
        muggQRtS7x/Eqym7lEisobGx7NLdaekQVoefsuY/GRPG2jc=
        -----END CERTIFICATE-----
        """

    /// An anchor with the key of 1,024 bits.
    static let shortAnchor = """
        -----BEGIN CERTIFICATE-----
        MIIB3DCCAUWgAwIBAgIUfGsNUVzXLAUiTVmCPJ/j12is92YwDQYJKoZIhvcNAQEL
        BQAwFzEVMBMGA1UEAwwMc21hbGwgYW5jaG9yMCAXDTIwMDEwMTAwMDAwMFoYDzIx
        MjAwMTAxMDAwMDAwWjAXMRUwEwYDVQQDDAxzbWFsbCBhbmNob3IwgZ8wDQYJKoZI
        hvcNAQEBBQADgY0AMIGJAoGBANVzkLnnykU0fpR+Mfdq79FtjTSOhpQl75YJwCN1
        RX+cbNVXkvBa3pzph2n9z+3F2CvQydBE/PVYwO3ymfBzzwyaBMv7BA/iejl2oNzw
        SvqvPSbJ/4+D/R642qB6tj/uxyNnP1fX10TmOLlVzYUOB0CzreUute922gGeKECz
        3UuxAgMBAAGjIzAhMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgEGMA0G
        CSqGSIb3DQEBCwUAA4GBALSUmJCPqTdvYClTb/Vz1UNNSaSeSg8gRqM5xLboC4d4
        77fM5nx83vweDi88uaHbzv+XfnfNo3IhZ8JU194MaWXRsKbz7paydkBgRPnKQxVS
        h7yZ1CdaBrGP/SJa7DtjjKHvsOyCQ/ydhSlqLVCrABj1dB5Uiw48FTMvEasUI+KJ
        -----END CERTIFICATE-----
        """

    static let belowShortAnchor = """
        -----BEGIN CERTIFICATE-----
        MIICxTCCAi6gAwIBAgIUKFqt0CdOAhjbz5xNfIZijH/L8MAwDQYJKoZIhvcNAQEL
        BQAwFzEVMBMGA1UEAwwMc21hbGwgYW5jaG9yMCAXDTIwMDEwMTAwMDAwMFoYDzIx
        MjAwMTAxMDAwMDAwWjAPMQ0wCwYDVQQDDARsZWFmMIIBIjANBgkqhkiG9w0BAQEF
        AAOCAQ8AMIIBCgKCAQEA0kY1dgCE6KmmTYjVLes5op3ARvIuUEVW0JBRqrMwv9na
        tzC0HLlKkq9ElvHyrgbXCgy0lEI88g4BGzUr/BAmmTaNeHVDPcje0buKKUleOkrW
        dfFpNTmtqzsX5O/bwLRHq0zAkR/MGa+yJGcmN/pyBDthzl/ziZwvraP59hTjrNGj
        B2++KVa2dVmm6J9g86zHWGSab2LpH7gjT9D+Ysgn47CMQRroGVbovaMjkdAc5FbM
        OQ49oGYKoiu0KOVjAYdF5eDYbDecbnc6KcVl47yKrEcEy7aeqwCkF9vxM1N5WTsq
        YUaBRozV+XbJ4BLYqfDB8vul8yt2+axKxw0MuSBOoQIDAQABo4GPMIGMMC0GA1Ud
        EQQmMCSCEXBlZXIuZXhhbXBsZS50ZXN0gglsb2NhbGhvc3SHBH8AAAEwHQYDVR0O
        BBYEFGTpgN+atQBak3kNUmSw3wjD3nyZMDwGA1UdIwQ1MDOhG6QZMBcxFTATBgNV
        BAMMDHNtYWxsIGFuY2hvcoIUfGsNUVzXLAUiTVmCPJ/j12is92YwDQYJKoZIhvcN
        AQELBQADgYEAkp0UtiiRjlhOoxI11GndKpJnV75kBM17VVANK550LX0QPbjekwou
        C5LgP61NPw8Qr7L/L5pXWwKryP7k25to0Z447g8w1bJzq6Loaj7jeJ+6Z2/WznxB
        mivqg9Yg7/tacwxi9g0+u+Cg3sEpF+OM/MmYvdoeLnE+n+PnvgLled4=
        -----END CERTIFICATE-----
        """

    /// An anchor with 4,096 bits.
    static let longAnchor = """
        -----BEGIN CERTIFICATE-----
        MIIE/jCCAuagAwIBAgIUAPJL84lQnQAE+SXGOlgGSINl39YwDQYJKoZIhvcNAQEL
        BQAwFjEUMBIGA1UEAwwLbG9uZyBhbmNob3IwIBcNMjAwMTAxMDAwMDAwWhgPMjEy
        MDAxMDEwMDAwMDBaMBYxFDASBgNVBAMMC2xvbmcgYW5jaG9yMIICIjANBgkqhkiG
        9w0BAQEFAAOCAg8AMIICCgKCAgEAmZK0ASMzzNpLWjv+4VnS2yKQ4tj98jz9QagS
        0/nc3At/3c3c4155qNNWWCqPf0r16PtB0Ax1Rlhi8wxxN7JgbAy96RNX5yIiesyK
        YO8AhJ6vpNfQOUIK0M7q+YwXSB0fJ7e07megegpuRJdrQTx5beDZjMOxo/XFdKau
        /jmoCBG3qAVIy8flEoj5I4Gd5nhDm5xZXLmqgoDhINDtBadmVD9TYztY9hyTdzs8
        5AfTnvLGI9S3CuRS0wq+Rv5fZe7tHwvy8UGZOknYor57FLffoNjJe/XE1+jDB3nQ
        1E1TgZp31MlLPyP8pVHD0yrB2KJhbbhxCBz6xxBZXr9GAT60ztQtjOCxoLVCH0sS
        EAnsuysXOcLgY5Cxf133Vq6C9isH1P1yw7uD6Uyu47OU5Xx49L0XoFXldjf1CVvE
        gqRyHNPne48XQosRNHIqW6ql9BAWh5RtV0G/VOXqWcQ/QyYxg6Kge9XvYZcxrKja
        fOwwLJelqZnXQfIwbrlUt7Zaf6tSqaI06lXhC6U8h3hKAeWYgRVUtbXR0/55K0fk
        pPY+Z9xVBXIGNkTNypgfm2B/4JPD1QnWRZDA2sD1VcU3MdZHA3BGuaj09IGBaQAH
        vyrAQj3toSnSLBn+x7rM4q24A6WyXzHX+nMIeF0Wbq8ERlEy8B1Kc3Ov7HudxaTP
        p7ZvaFkCAwEAAaNCMEAwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYw
        HQYDVR0OBBYEFG1ZW09gmd3oUHylHE2PthPH0qNHMA0GCSqGSIb3DQEBCwUAA4IC
        AQA3O9jlfTIbD9v/rfaBhmSltRI19BCZokZHIoiGXKIjzbm46qQFhnp6szTYUKpb
        YI5y7IFrtze/axAucD7leWyhbtgY6dR2d4SJXm+2Og4kr2UPO670hGvSNrI9tJLo
        1Z68WhdDCFJTwCw7bwRxbhjBjYOivC6IFlbPoHfjT7EgTPgDZ71h4bdHdVFddmdR
        HCgWfeY+0XMEUPSw4CgB+XL7MrCG4iwPg7Eyts876HAOYmd6aA/oP32+AENOtrxE
        LtKfRQQD/3lXsOGTu5jb1rbzvUib2HiS55X5LuxAN+TJsR1toYz545KsG84bIc+f
        Qb6b6IL/lvU3hpYchkXLCNAKgPhGTXpP1z6rZLsc+wiUn1pt6SzuU2P0C+CfrksU
        XwwVQjV5nI2+QH7MFRDgwI1CPTYGa8a2DqE5H0kghdpspWIJmwr+0XjXwGp7FZa6
        YG5yclFpUF6AXu2WR2+PT875KMiW8tEfqoKZ69nZKKgKGujBal1kAiEFrC+d9N7F
        L5xeAJ8n4InbRzpejyqFszV1fJevLrBEasnqc5/eaqJtKsmbrv6iEuwvgEjM8UOS
        oeDuFJowvE5bIh7Y+ygykLWYFzpA13aA9TzGuqkc3i1yNvLYtpZ9Aqo0/WlNpeJ6
        Kvpe7raUfUg6Mk0dv4i8kTi8WtGb3T7xB+Z1dGmZskGMiQ==
        -----END CERTIFICATE-----
        """

    /// Signed by ``longAnchor``, with ``longKey``.
    static let long = """
        -----BEGIN CERTIFICATE-----
        MIIFJjCCAw6gAwIBAgIUAPJL84lQnQAE+SXGOlgGSINl39cwDQYJKoZIhvcNAQEL
        BQAwFjEUMBIGA1UEAwwLbG9uZyBhbmNob3IwIBcNMjAwMTAxMDAwMDAwWhgPMjEy
        MDAxMDEwMDAwMDBaMA8xDTALBgNVBAMMBGxlYWYwggIiMA0GCSqGSIb3DQEBAQUA
        A4ICDwAwggIKAoICAQCj+ie8WGl4iR+9vOLYTjRN1myBs25dJwiqrMs9oNc5HY0U
        RzV+sQfbempQ4tbxMKbTUibGJYwnyvsMe1lEp14sRO1o79IyWG66Ay9IiEctshR+
        rvPZT6RH7NtmUA1RQ6vdFW2Mjca/8TMwEMGcN1LMgtUlRbPaESD83ClzDTkBxq2O
        4h5so+zLHlHC3oFFpom9S7X9ExBWWOhVeUMyNokZ7faKBqcA+eVo34FNx/Ttk+/R
        SsZoKcZfIh0TWOvlGrn0cScp0KAZ0dgFXUZHgYgxsQ9j06v7CHdKBjZrqdwh40WD
        z/4+J4i0nfQ0DZTRrdxS8NorY9zixD/biEJZukzHbkaYlAyM/ukRDr1KM0kZMcql
        oDMP3ssWQ5exdjr+0XaIoo2f626hdA/YswmViYk1z87KJWDY291wIWk5tElIZPNo
        lAoifEYSGHLazRZvdw8wMC5P8blyE1+Aw65kq0mbtzoPp0Nt6eRbqOCgr5zjeq4W
        WpVyqhFvPBlp2UcBJcNT317fwAW2qIEtEX2dlfUyQfQfPrdm/yHHqFC6hAcerlxu
        2kpQ7L23SjMd4xeP+CYIynX08arJojZEaZeMwmTeti6+qa7jagVG6G1g4Lz9uSKc
        +2lO32eegSnl8O73qzwVOYEnup4u8gdlWMu9SU8E3H5lyZ2oDhgXy1NeJiillQID
        AQABo3EwbzAtBgNVHREEJjAkghFwZWVyLmV4YW1wbGUudGVzdIIJbG9jYWxob3N0
        hwR/AAABMB8GA1UdIwQYMBaAFG1ZW09gmd3oUHylHE2PthPH0qNHMB0GA1UdDgQW
        BBS7CgccceBfPYc0sZjyQwhh3ivLuDANBgkqhkiG9w0BAQsFAAOCAgEAcNp7y6Ft
        dTeAomKvWPMiu3foSWWxZ/FBrv4fwxYftRRsz/RwYqCTu94GT7VrJV4QvA5e1XYs
        0ka3l7BPIeZfhB05u6nAsAjNMDrIng8eQ/pA27p94m1ET5970UrTf6U7R7kTrmRU
        B2A1QrRz3Sh7Vn/dwNsGf3mgSBQYmihHC/czqeV0TAZQ99ydSL+6D8lSk6v3FSAH
        sB5xuG7KXEvNX/3CJXKk66azgRYX7zPG9hexYateDdSo5FO9RqVghWO5DFC3NPKi
        vY0/BPD5F30Zq3lXdEbzJlscKUMRE0eZo3LsylKVQmx8/GiILkeH+macVJhALlqs
        C7IltsQu9j3koMSsE3O2l+akM4ytfrfJGZ2YlabwQsq81LDMoKJgncw7SFL7v2hQ
        /1wT0wEb8WYPKDxRd/TQ4b6PdGUHTUaTphAUO5e2eoYhG7HO1i7KUQr8Y99H134E
        nUNw9LgnSnG0bCHTGyA3rtGQMAG0jWLuNrBKpwmSUvV2pSGe9vHZKcmmFUuM64yv
        qesM1h8Wvineb/a5dqIXsG8nhBy+iUCeu5CzvUZPvvsf3O9bM9AtOKsPHWKywA+X
        zSiQFBC8nDypwZ87XoQPh4gTFY8ViIcVs4rLJBFKgxvAuye4grjOLHnpm0imNiLg
        7+3LHd8VshSW9MC6ybm/bdYrhy25Nv1sU24=
        -----END CERTIFICATE-----
        """

    /// 2,048 bits.
    static let key = """
        -----BEGIN PRIVATE KEY-----
        MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDSRjV2AIToqaZN
        iNUt6zmincBG8i5QRVbQkFGqszC/2dq3MLQcuUqSr0SW8fKuBtcKDLSUQjzyDgEb
        NSv8ECaZNo14dUM9yN7Ru4opSV46StZ18Wk1Oa2rOxfk79vAtEerTMCRH8wZr7Ik
        ZyY3+nIEO2HOX/OJnC+to/n2FOOs0aMHb74pVrZ1Wabon2DzrMdYZJpvYukfuCNP
        0P5iyCfjsIxBGugZVui9oyOR0BzkVsw5Dj2gZgqiK7Qo5WMBh0Xl4NhsN5xudzop
        xWXjvIqsRwTLtp6rAKQX2/EzU3lZOyphRoFGjNX5dsngEtip8MHy+6XzK3b5rErH
        DQy5IE6hAgMBAAECggEAAVnpUGy5fCR8DgM3q7NXZqrPH2rsCxm696tpvu9RdS8K
        STw9+A5IpqTvEsMhph9cL3NuLDDyOEIW1eW6i+EWlC/bXJhF3dD34V0W9WPnxyJI
        s6+2Qg6poiyjHzLNRnUncxSLtehc35d+W4kjmNEaRIS/8nQ/yCNY0912eLbStLgc
        KI+K/jzxDLbhO6HR/xW3g89XRPvJZT34IL07Dv1j92iBMfCKSgOEophQnYD/98jg
        sqhxxrZnuR7t6fv/L7rY6Junmy2531woxEvX4LlGFqD88Meh2HTsLhR9hTIODMfo
        zzNSJrMqMbKyWFOfTAHpzPlG9fmVKlCiQusexFbCQQKBgQD6SCmqR6icwVg8jg6x
        u4inyUntKEVk4/upp3lCk28HF93gkvDB6jLCYfOfDkw03CxkGYzdoNKDpdwNkxZB
        n5zT6EayT3uoXkGwT2ieUijoGyc8rvS7FqD12vk1Ns64BYPP5XjFoICovfkVOzTQ
        0a0pbeGFb4AqEtcMFR9eBG9+kQKBgQDXFA0fyKlqxs7gJ/pTdDmTH5zqpRUUby8W
        kL0IuWCeOa4io2aUAgoJ9KW26J9uDCSke9DguMztHBkfloWXgp6HU8OF5z3oBbiL
        Auessm2SP0jfVfi9uBNPIzNivDlMBb9EvGVJFdKgx0AmIjpNTNTcC7/yq0ooX4iw
        yrh/tGv3EQKBgQC47qNiv8o18aMqM2lmKITEPbaTNyN3dgHZjPbLm7b5TchTjR+6
        mTtiaBAkYeMrV9ixKjPs+00xm1dq7FkQqkiuR74dOR/M+8Cb70EFYv346z9l1nzc
        1M6ge2mSyWmbje+kqRFBLeSDSsQGzRWsipHhv+BYwVe5PuyJb/4acTqVEQKBgEDp
        6FwjcB6uClpVNpRhi87/x5h6YrZcKFYjMSqk6KhYuFnz/03En8sJb8qYwyWvvI94
        Xz60CAW4aUzDXWaxIa+udGDBvkl9EInEQrA42iE9wHzHsd9w40MLWMMAFDsBsQzJ
        37gDQiMMgCwCQJ58BfK0CSbw090DmHnjdXP1vHBBAoGBAJFUKxaA8gSn9joagyxZ
        Elh0DND2/I74JQL3c0KqWlNUwdpf+JLUlWR/ylO7nAH792TO5GCqM4tln8ztsKnU
        u7TfueNQ+mPJAKWuQ7OcE9SnHJWXGqE1GR82Uy2AYQqk8OqKcikjpzJqDO1eblF8
        TnjjZLFNvfz1oPYsqvkrGMv5
        -----END PRIVATE KEY-----
        """

    /// 1,024 bits.
    static let shortKeysKey = """
        -----BEGIN PRIVATE KEY-----
        MIICeAIBADANBgkqhkiG9w0BAQEFAASCAmIwggJeAgEAAoGBANVzkLnnykU0fpR+
        Mfdq79FtjTSOhpQl75YJwCN1RX+cbNVXkvBa3pzph2n9z+3F2CvQydBE/PVYwO3y
        mfBzzwyaBMv7BA/iejl2oNzwSvqvPSbJ/4+D/R642qB6tj/uxyNnP1fX10TmOLlV
        zYUOB0CzreUute922gGeKECz3UuxAgMBAAECgYA6Aafo/Za4a+WiUREfHc6CaXUg
        PUNRa2XKrmequynh3g6tg5kI/IjWt5f3M+SXx1ZRwfG2Sak8u5vijjVLZQ107ijG
        4AhNRZaYh+z3TwWXAVLZwy/SpRKCl4GSondf0rOMZ6lFqkE0CgeziDQOuVwT2YWA
        1n/ee9FqQW+PKe6fCQJBAO79amMcEdz2VcRwLP2CQaZ4tP909J9ZyMv4g9wuYRM4
        ZeRDv5Q2NcIfHTVClIPUDA/wawRPEfhfy7hpanCj9h8CQQDkpNGOB13A7LPaINRX
        6AAHRkh627SNV8MjamdORDj7MHXErSbGN+Umv6KgIbzcCKQv7Jb/7lcEEf+Ul8KM
        gWQvAkEA18Sh5YM1OXqJqsXgSKzuWr8GItFT/f6QxF7FpeeVq0Wy8GieMdDTrkRr
        GWfYMEEk9ssHw6cjwUuz4PYDrFjL3wJBAJJuTBbd+Nk5vuWP6O5zkrEV/g1Q8A0l
        i7/+wTKK1sNogcP38ME5wvRR/uD3OnDgx+Y5a2t1RR1COaD8oIhDxdkCQQCa+9OP
        0EXJ1nODSiu4cooITSq21IfpEkfbTro85GJWwSD89v5XZMN+F0KAaerNoA/2i4Wz
        La21FM0TXmmcVse4
        -----END PRIVATE KEY-----
        """

    /// 4,096 bits. Split, so that secret scanners do not report this file.
    static let longKey = """
        -----BEGIN \("PRIVATE KEY")-----
        MIIJQQIBADANBgkqhkiG9w0BAQEFAASCCSswggknAgEAAoICAQCj+ie8WGl4iR+9
        vOLYTjRN1myBs25dJwiqrMs9oNc5HY0URzV+sQfbempQ4tbxMKbTUibGJYwnyvsM
        e1lEp14sRO1o79IyWG66Ay9IiEctshR+rvPZT6RH7NtmUA1RQ6vdFW2Mjca/8TMw
        EMGcN1LMgtUlRbPaESD83ClzDTkBxq2O4h5so+zLHlHC3oFFpom9S7X9ExBWWOhV
        eUMyNokZ7faKBqcA+eVo34FNx/Ttk+/RSsZoKcZfIh0TWOvlGrn0cScp0KAZ0dgF
        XUZHgYgxsQ9j06v7CHdKBjZrqdwh40WDz/4+J4i0nfQ0DZTRrdxS8NorY9zixD/b
        iEJZukzHbkaYlAyM/ukRDr1KM0kZMcqloDMP3ssWQ5exdjr+0XaIoo2f626hdA/Y
        swmViYk1z87KJWDY291wIWk5tElIZPNolAoifEYSGHLazRZvdw8wMC5P8blyE1+A
        w65kq0mbtzoPp0Nt6eRbqOCgr5zjeq4WWpVyqhFvPBlp2UcBJcNT317fwAW2qIEt
        EX2dlfUyQfQfPrdm/yHHqFC6hAcerlxu2kpQ7L23SjMd4xeP+CYIynX08arJojZE
        aZeMwmTeti6+qa7jagVG6G1g4Lz9uSKc+2lO32eegSnl8O73qzwVOYEnup4u8gdl
        WMu9SU8E3H5lyZ2oDhgXy1NeJiillQIDAQABAoICAAqExX/DfCCLS0n0j+ioO5qy
        oos/Y1j+ZAPuyarOYn/7cU1XtArIeGSP2boOkxMtt8XegzY6ul7jGm+WigdpZRUZ
        5tDQcX9hRNkR0zqn40j/H2lw95t9DGDAxOIvSGtqF+A6u6hEf/dYFZyDtqe6tMkB
        q4KUkhDvAFq4FMCYnIuMnx2HS8RUT6BH9Z62fzxkjnliHe56BpZDZcP132WdMfZD
        2YjJHHVnklvD2puOtBt5XezjCw8rftojahIPpjIwILWZfJWmGF8PovfVH+j+Wio1
        3XLd5S5ZQK2y8FK/tqtF1PO7p+d8ybwsVbnxFRbOPE/lu1kFMuopBJ+kgf0Xgk0+
        Yo2IoEO+HHVwXwX4rXLz5BDsym0F9SvgEJSc94Ka/2DduDlNh7+Ua8VsqrdHfBmC
        qGVBdi/vm1UK2ljE34p2WvERUv4lvIemfbSZKtvbNxP8fzHG4hFMSd+eJCfZMcqt
        LoSjIqamFEXN0+j8mvHcaZYidBdh/55DHfMFWkY0FrggU4X2/VhOBQ63EHpVX5Xk
        2XEiht2zCTaabhYN57ZZZzlwwVvaHinQhzpuyzLkPUj3clsD9eYcE5IWpSeOA2OO
        s7l2FVi4fL33HyyoeO55w4GeFuHlHSHPXGW8x5qqmw8/pRVnypFoav7S/MqBPNTW
        UtDVJSkPsgRAmB4gGEEBAoIBAQDafxM+wOn74IO4DZDevK+PywdlXtoZvkHY33MI
        VDhjMU0ikMRZ4G4P14pX5bdnIQc94SCtgE/jPGkjR6dPPG5DcD31RhdfFjT7axlp
        BPlv9DOFM6jJAIHHO0ZIDDm0Q/BCC56rV2mCeDi2yK62liD8al17VUMDtUfzet4m
        /Nn8eFvGecGaAy03jpaoeWnHPKYG+pNDIKF93Ppx0I2n63EMgwgSH3IJegxf8UYS
        zn9UCUj1ilsJ2xUG2rGVoWzCMgohCRqj3yp/xkm6ixGIg6rZ4a1LL/8oX/A/irUH
        yJYwfQAJHcfbqUOyj+BPlDeKwaNV5uMyi+ZppyWr6qbE1G0lAoIBAQDAH3UQQOWb
        gC0TL/JYeyQhsWFIgkHs3PoYmzeD0OESUiZ8RIdtcSW9pwV/6WmSANgs+KDUeHE8
        JQG+mDeWekJEQiqanw1DBaPuqwIB8IQHafRpgbM2IO9sWB29ace/JJypelOncaH0
        RqH3GrJeHYF/RcJegZi/gmEWrEynAZgJklMCgdeZ/q6/S++NW84feMZrPlvBnhCn
        k570cv4X662QdZrooura3Ca7bUNaDQrUVHSFjik7TYJPQlptN8HJdTs+uIIOKmfv
        hAQB+H0ooSbdLzFbba53g/iEeKOQZ+/WeFUV0WhXxdXf9b0ugfdfHDwQ9ws9T7v8
        6n6CCRF9rsOxAoIBAG64Wk5Af9FtUhIgfbsBLo3VOmg6Cpdk/AUkJiygUPqi7w2H
        Apjwy5UniilEdQ3DhOHshRymmtTxte10z+mtG8r8w8jYvdsna63D9dpr9OKwgrML
        HIrOwPTuqoyz9UHN85/kN4FoCEVfGo41X6OSrCB83eYzrIPihxVwu8ZR9zyi2Q7Y
        gCzFU1KF5P52mA2oRBHhRGKN1IftRNQL9NyUyHKoq5xTZvw6Zq7vmqzJC2jQU7Jp
        a/ywkhUpGThT1sMJjGx1KpTD78tT9eSbuETPQ/KpE6G4LrqM8zef2GCbWtAzZ6M2
        /iHnwjBoDCkHWKXtvhE3sQXaMuZzFvnpLJ0tcCkCggEAOaF2ETEWbyXs34OTc91E
        gmLeJs0ED5Rd5UGyTnU6/q7r4n0ADuFRC+ntKWiQBX8BWcQfIn0aoosLUewBSL9V
        33nlo8owRTmM6kwb5w8J29t5uKhyZLtOdrab/TSc+YZ3BBOwwlrA1TDW5vP4K2k4
        bkAzxPulIVVv4EhBGhvNSpm9EtR2IziVnMafjkzKsQAerQ7goVzT7CDJHtTbybsl
        rl7I4B32yz4c1D47ZOjipbzL00BIuARRIYtq6rY+CDuFURQx1yP7V4rHVPwAN07Y
        BKNib+Wf3zQUOVCi5+91r2UbSNcvMJ0kwfDKFghgdwRWNFSW54ZigsSovEMSHxxs
        kQKCAQB7qAcu9oAn8MOdTgR4y1Yg77EjPf3K31mOn8sUqRw+qSqUZKu7Qb6CAvde
        C/MuzrqtU5WKsRsV+X6cyxmsjNwFGVkpF2cw1p2oPjta092KZePTTgzgToIMafRf
        lMnT14pdrYUuJThzAzIPAnWuN2E42BRIyjdfOU2tA6LvGntNjuroNQo89V6SF6ZP
        oWOEQd+u7z/PF7inZ4Wa0Nyo9TQQRAZCYn6TXU7MWQbGuEfbQa09c06OI8GURHR0
        gh9DDjqGtmGWk+RDFDCl0dQIXuADbEKPV2dmhunynzLKWf5EHnoKs5cHUin/Amds
        tvACmzRPpAuefUZUoXoZWUTT5TZI
        -----END \("PRIVATE KEY")-----
        """
}
