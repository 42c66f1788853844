// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import Testing

@Suite("Words of commands that people copy")
struct ShellWordTests {
    @Test(
        "a word that a shell would take apart or read as something else is quoted",
        arguments: [
            ("/etc/rstream/token", "/etc/rstream/token"), ("wéb_1@2%+:,.-=", "wéb_1@2%+:,.-="), ("", "''"),
            ("/srv/my files/token", "'/srv/my files/token'"), ("it's", #"'it'\''s'"#), ("~/token", "'~/token'"),
            ("$HOME", "'$HOME'"), ("a;b", "'a;b'"), ("a\nb", "'a\nb'"),
        ]
    )
    func words(text: String, word: String) {
        #expect(text.shellWord == word)
    }
}
