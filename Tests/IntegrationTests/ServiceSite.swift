// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// What the tests of the installed service begin with: a dev engine, a local service, a token that only root can read,
/// and the daemon with one tunnel.
enum ServiceSite {
    static let token = "sesame-4f1d7c"

    /// For the guest's root. Afterwards there are `engine` (starts the engine, with the same certificate), `visit NAME` (a
    /// visitor's page, told as a fact), `tunnel PORT` (another upstream) and `daemon` (the daemon's process, whose parent is the
    /// unit's main process).
    static let script =
        DebianPackages.install + """
            engine() {
                systemd-run --quiet --collect --unit=engine --property=RuntimeDirectory=engine \\
                    --property=RuntimeDirectoryPreserve=yes \\
                    rstream-dev-engine --listen 127.0.0.1:7000 --state /run/engine --token \(token)
            }
            engine
            until [ -e /run/engine/ca.pem ]; do sleep 0.05; done
            install -m 644 /run/engine/ca.pem /etc/rstream/ca.pem

            cat >/usr/local/bin/page <<'PAGE'
            #!/bin/bash
            while read -r line && [ "$line" != $'\\r' ]; do :; done
            printf 'HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\nConnection: close\\r\\n\\r\\npage'
            PAGE
            chmod +x /usr/local/bin/page
            printf '[Socket]\\nListenStream=127.0.0.1:8080\\nAccept=yes\\n' >/etc/systemd/system/page.socket
            printf '[Service]\\nExecStart=/usr/local/bin/page\\nStandardInput=socket\\n' >/etc/systemd/system/page@.service
            mkdir /etc/systemd/system/rstreamd.service.d
            printf '[Service]\\nLoadCredential=engine-token:/etc/rstream/token\\n' \\
                >/etc/systemd/system/rstreamd.service.d/token.conf
            (umask 077; echo \(token) >/etc/rstream/token)
            cat >/etc/rstream/rstreamd.yaml <<'YAML'
            version: 1
            context: main
            contexts:
              main:
                engine: localhost:7000
                tokenCredential: engine-token
                transport: { tls: { caFile: /etc/rstream/ca.pem } }
            YAML
            tunnel() {
                printf 'version: 1\\ntunnels:\\n  - { name: web, forward: "127.0.0.1:%s", tunnel: { protocol: http } }\\n' \\
                    "$1" >/etc/rstream/tunnels.d/web.yaml
            }
            daemon() { pgrep -x -P "$(systemctl show -P MainPID rstreamd)" rstreamd; }
            visit() {
                local url=$(rstreamctl -o json tunnels web | grep -o 'https://[^"]*' | head -n1)
                local host=${url#https://}
                echo "$1=$(curl -sS --fail --cacert /etc/rstream/ca.pem --resolve "$host:127.0.0.1" "$url/")"
            }
            tunnel 8080
            systemctl daemon-reload
            systemctl start page.socket
            systemctl restart rstreamd
            rstreamctl wait --timeout 90s >/dev/null

            """
}
