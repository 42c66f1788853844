// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Every message that the daemon logs, with its `MESSAGE_ID` in the journal.
///
/// An id never changes, also when its message is reworded: programs filter by it, as in
/// `journalctl MESSAGE_ID=6883b2c6314803dee7ef4db32a8768bf`. A new message gets a new random id (`systemd-id128 new`).
package enum LogCatalogue {
    package struct Entry: Hashable, Sendable {
        /// The constant message.
        package let message: String
        /// 128 bits in 32 lower-case hexadecimal digits.
        package let id: String
        /// An explanation for operators.
        package let meaning: String

        fileprivate init(_ message: String, _ id: String, _ meaning: String) {
            (self.message, self.id, self.meaning) = (message, id, meaning)
        }
    }

    /// The id of a message; nil if it is not in the catalogue.
    static func id(of message: String) -> String? { ids[message] }

    private static let ids = Dictionary(entries.map { ($0.message, $0.id) }) { first, _ in first }

    /// All messages, in the order of the manual.
    package static let entries = daemon + configuration + sessions + tunnels + listeners + streams

    private static let daemon = [
        Entry(
            "started",
            "cf1a23edfbdce847577b3e11aa9e9766",
            "The daemon has read its configuration and starts to connect."
        ),
        Entry(
            "core dumps may contain secrets",
            "fb26fd94152c4e468e97b4c7d29ec51e",
            "The kernel does not let the daemon exclude its memory from core dumps; keep them private."
        ),
        Entry(
            "daemon stalled",
            "a2ad3407cf0041a4813c0bf31e5ff67b",
            "A component of the daemon has not answered for half of the watchdog timeout, which is a defect in "
                + "rstreamd. systemd restarts the daemon."
        ),
        Entry(
            "admin socket open",
            "973bbec210f3873953d511f451c93e92",
            "Clients such as rstreamctl reach the admin API at this address."
        ),
        Entry(
            "admin socket closed",
            "69c809e8c0ee44b7a0b8608a28f56833",
            "The configuration no longer has an admin socket, so the admin API is not available."
        ),
        Entry(
            "inherited socket ignored",
            "69acebbee8994808a3ee98425cbbc628",
            "A socket that systemd passed cannot serve the admin API; the daemon closed it."
        ),
        Entry(
            "admin socket group not found",
            "7d74e852536de18133aaf3f86c851913",
            "This host has no group with the name in admin.group, so only root and the daemon's own user can use the "
                + "admin API."
        ),
        Entry(
            "daemon not in admin socket group",
            "3f0d4a7be1c84d0c9d6a1f52c87e90b4",
            "Only a member of a group can give a file to it, so only root and the daemon's own user can use the admin "
                + "API."
        ),
        Entry(
            "admin read group not found",
            "f5cad29c4d6e558f40aae0eeb82a61ac",
            "This host has no group with the name in admin.readGroup, so the key has no effect."
        ),
        Entry(
            "metrics listen failed, retrying",
            "8e2b5c91d7f04a63b0e4c6d8195a37f2",
            "The daemon cannot listen at metrics.listen; the error says why. It retries until it can."
        ),
        Entry(
            "metrics port open",
            "2c827f8a4d68f667710e0c58388d6cc1",
            "The daemon serves metrics at these addresses, as metrics.listen says."
        ),
        Entry(
            "metrics port lost",
            "34c1e9a44ecbfcdc2bcd21a50caefc48",
            "A refused reload had closed the metrics port for an address that was not available, and the daemon could "
                + "not reopen it."
        ),
        Entry(
            "page listen failed, retrying",
            "b218218d303946d7a7249027eb8be9f3",
            "The daemon cannot listen at page.listen; the error says why. It retries until it can."
        ),
        Entry(
            "page open",
            "a680aa0be7514f8ea134f8726570fe42",
            "The daemon serves its page for browsers at these addresses, as page.listen says."
        ),
        Entry(
            "page lost",
            "91d90a66f5b54bd5a31b4f789d184f4c",
            "A refused reload had closed the page's port for an address that was not available, and the daemon could "
                + "not reopen it."
        ),
        Entry(
            "admin request",
            "e194d94a6e3ac8a61a542dec72b9a52a",
            "A client of the admin API has changed something: the call, the status of the answer, and the client's "
                + "process and user."
        ),
        Entry(
            "stream limit reduced",
            "8899f00fd45842c1b5d4e70f6cfee444",
            "There are not enough file descriptors or not enough memory for limits.streams, or inspect takes the memory "
                + "of half of the streams: raise LimitNOFILE= or MemoryMax= of the service, lower the limit, or inspect "
                + "fewer tunnels."
        ),
        Entry(
            "low file descriptor limit",
            "2fff72f200638bcfa157d72ecced1507",
            "The limit of file descriptors is low, which limits the number of concurrent streams."
        ),
        Entry(
            "streams refused",
            "918e7297068d40cb82ed410298313b7a",
            "As many streams are open as limits.streams, the file descriptors or the memory allow; logged once while "
                + "that lasts."
        ),
        Entry(
            "streams accepted again",
            "049807cac2b7f3b7d00fbc77149f4a43",
            "The limit that all streams share has not refused a stream for a while."
        ),
        Entry(
            "stream limit reached",
            "044b3967e1892db6bebb7c1b7fdd63a4",
            "A tunnel or listener refuses visitors because of its own limit, or because too many of its streams are "
                + "still being opened."
        ),
        Entry(
            "stream limit no longer reached",
            "40cf24524ca3e6c4b18696d7298f9694",
            "The limit of a tunnel or listener has not refused a visitor for a while."
        ),
        Entry(
            "stopping",
            "39c42e5b575b98c5b953a8fcd7d388f5",
            "The daemon was asked to stop: it takes no new streams, and open ones may last until drain.timeout."
        ),
        Entry(
            "second stop signal, cutting streams",
            "6883b2c6314803dee7ef4db32a8768bf",
            "A second signal ended the drain."
        ),
        Entry(
            "drain timed out, cutting streams",
            "5f56a768d21ab394591f493afecf2b2f",
            "Streams were still open after drain.timeout, and were reset."
        ),
        Entry(
            "draining",
            "ba4adb94ae38fe2a70b29d6535858265",
            "A tunnel or listener was drained, changed or removed: its open streams may last until drain.timeout."
        ),
        Entry(
            "drain cancelled",
            "f6728c9b2369a51216800843d6276ef7",
            "An operator enabled a tunnel while its streams were draining; they stay open."
        ),
        Entry(
            "tunnel opened by hand",
            "fc5f642a6c91d4a7a6bf85ad862056e9",
            "A user opened a tunnel beside those of the files; it is closed when the user's connection ends, when its "
                + "time is up, or by rstreamctl unpublish."
        ),
        Entry(
            "tunnel by hand ended",
            "6c3f541f8a4f73c98ac2679108fa55d4",
            "A tunnel that a user had opened by hand is closed; the reason says why."
        ),
        Entry(
            "upgrade started",
            "d44d0f0e5345473b96c94bc73101f15a",
            "The program at the daemon's path is being started, to take over."
        ),
        Entry(
            "upgrade failed, everything goes on as before",
            "da32f49ad9d1440aaf2cb865c38ebc29",
            "The new program could not take over; the reason says why, and errors of its configuration are "
                + "logged in lines before."
        ),
        Entry(
            "handed over, streams may end",
            "0123790ab13a4ecabb5828bcf0107223",
            "Another process serves everything now; streams that are left here may last until upgrade.drain."
        ),
        Entry(
            "taken over",
            "4f8faa69c0ca4187819a11e713480643",
            "This process serves everything that another one has served; streams of that one last until they "
                + "end."
        ),
        Entry(
            "taking over failed",
            "72068524eb3148399cda948e65bed501",
            "This process was to take over and could not; the one that runs goes on."
        ),
        Entry(
            "restart, the next process takes over",
            "66cd59a970654b8cbf34d3aa5a513655",
            "The service is restarted: this process serves until the next one has everything, and stops if none has "
                + "begun within 90 s."
        ),
        Entry(
            "restart without a take-over",
            "6842cded4b614304aa748fa9d69a3a63",
            "The service is restarted, but a setting of its unit rules out a take-over, or the daemon was too busy to "
                + "begin one, so this process stops; the reason says why."
        ),
        Entry(
            "no process takes over, stopping",
            "095c0ac205264c788371715300b93720",
            "The service is restarted, and no process takes over from this one; the reason says why."
        ),
        Entry(
            "restart goes on, not everything is there",
            "12ec0a4c5af548a2bc4c6b514336405f",
            "This process takes over although not everything that was online is online again, because a restart waits "
                + "no longer; the reason says why."
        ),
        Entry(
            "the process before this one does not answer, killed",
            "447a88adc5434acca45e45a52ecec103",
            "The process that was to hand over was stuck; its streams have ended with it."
        ),
        Entry(
            "admin socket lost",
            "e9e84db91f4a461a84262defa3e62277",
            "This process has taken over and cannot listen on the admin socket; the error says why."
        ),
        Entry(
            "internal error",
            "a788e8a0f0c74b8db5295f5665556555",
            "A defect in rstreamd ended the daemon; please report it with the preceding lines and `rstreamctl doctor "
                + "--bundle`."
        ),
        Entry("stopped", "04c6b8db761c79e48ba80877619f033f", "The last line of a daemon that stopped in order."),
        Entry(
            "log lines dropped",
            "ca6dc685ada2a0de1eb3c66179a1f3fa",
            "The log was not read fast enough; as many lines as count says are missing here. Logging delays nothing "
                + "else."
        ),
        Entry(
            "network changed",
            "d9d73001f4b56d8dce0ebe46a912dee1",
            "An address or a route came or went, or the host woke up; sessions check whether their engine still "
                + "answers."
        ),
        Entry(
            "network watch failed",
            "36a186a18a28e277ad72ba2a09b9478c",
            "The kernel does not report network changes; sessions notice an outage only when the engine stops "
                + "answering."
        ),
        Entry(
            "hostnames file read failed",
            "06654d95ad1f5cc9d8349757f2e06f78",
            "The file of generated host names is damaged or unreadable; tunnels without a configured host get new "
                + "names."
        ),
        Entry(
            "hostnames file write failed",
            "c7e5306b435962d902cf425c72419c3d",
            "The file of generated host names cannot be written; the error says why. After a restart, tunnels without "
                + "a configured host get new names."
        ),
        Entry(
            "reconnect file read failed",
            "7c14402dc1ae496f9303624d546b54a1",
            "The file of reconnect times is damaged or unreadable; sessions dial at once."
        ),
        Entry(
            "reconnect file write failed",
            "8290559ffc7c48a9aec24f4adea5646d",
            "The file of reconnect times cannot be written; the error says why. After a restart, sessions dial at once."
        ),
        Entry(
            "disabled tunnels file read failed",
            "f60b21fd8689044ad2fb772085e9013f",
            "The daemon cannot read which tunnels were disabled until they are enabled, so they may be open."
        ),
        Entry(
            "disabled tunnels file write failed",
            "585516edb7db6c9e910de182dbace3d0",
            "The daemon cannot store which tunnels are disabled until they are enabled, so they may be open "
                + "after its next start."
        ),
    ]

    private static let configuration = [
        Entry(
            "configuration diagnostic",
            "4f42437a35cdcdcb242c2d305c081d82",
            "One warning or error about the configuration, with file, line and column."
        ),
        Entry(
            "configuration reloaded",
            "c217bdc2e98a013c5db26842ad6798c7",
            "A changed configuration was read and is in force."
        ),
        Entry(
            "configuration unchanged",
            "98f8f4fcc83b29b58568e45fcf4c637d",
            "The configuration was read again, and nothing in it has changed."
        ),
        Entry(
            "reload refused",
            "dbdf9ceb352fc8751ea4d736c7eb3e6c",
            "The configuration has errors, each logged in a line before; the running configuration stays in force."
        ),
        Entry(
            "tunnel changed",
            "b44390ca47bbdd8660bd728f0819c954",
            "What a reload did to one tunnel, and how many of its streams that affects."
        ),
        Entry(
            "credential watch failed",
            "c49e17a3528b4f7d86d0b1e35f7a2c68",
            "The kernel does not report changed files; a rejected session waits for its next attempt."
        ),
        Entry(
            "setting changed",
            "5c6f7a1f0a0e4d3b9d0b7c1b5e2f8a46",
            "A reload found another value of this setting of the daemon, and it is in force."
        ),
        Entry(
            "setting not applied",
            "b1d8e0c24f9a47d6a3e57f60c9d21b87",
            "A reload found another value of this setting of the daemon; the reason says why it is not in force."
        ),
        Entry(
            "listener changed",
            "94f78f22a81e5d755230fcc97d937671",
            "What a reload did to one listener, and how many of its streams that affects."
        ),
        Entry(
            "configuration watch failed",
            "6c79a04f7dd36287d95c0c86a60b3503",
            "The kernel does not report changed files, which watch needs; send SIGHUP to reload."
        ),
    ]

    private static let sessions = [
        Entry(
            "connecting",
            "38bc122d4c4c40b8e850eed925734544",
            "An attempt to open a control channel begins."
        ),
        Entry("engine connected", "0d26e5b54663065aad3a5ced8e6014b1", "A control channel to the engine is open."),
        Entry(
            "session down, retrying",
            "00b33e0593a36ee9d8954c02057c6a12",
            "An outage begins: the engine cannot be reached, refuses, or has ended the session."
        ),
        Entry(
            "session still down",
            "93a5f2b8f540e2068ff45c6136522c3e",
            "The outage goes on, now for another reason."
        ),
        Entry(
            "session restored",
            "e4e640be345d460de4502bd8c70014a8",
            "The outage is over: a tunnel is open again; attempts and duration say what it took."
        ),
        Entry(
            "canary fails, streams may not arrive",
            "3d2741fc0c269fa934f76b0397e97ae7",
            "Streams that the daemon sends through the engine do not come back to it, so visitors may not be "
                + "served either; rstreamctl status says more."
        ),
        Entry(
            "canary passes again",
            "a40821bd230343e99ac8d04bc6324da9",
            "A stream that the daemon has sent through the engine has come back again; attempts says how many did not."
        ),
        Entry(
            "canary failed",
            "fb4ba8388c7efcc48b1879f8b6cc4976",
            "One stream that the daemon has sent through the engine did not come back; the reason says why."
        ),
        Entry(
            "reconnecting, context changed",
            "10451f4e5282b387ef1b270e02d25900",
            "A reload brought another credential or transport; open streams stay."
        ),
        Entry(
            "engine certificate verification disabled",
            "e6088fb7e6c39258c622dd48c5946ed7",
            "A context in use has insecureSkipVerify: anyone on the network path can pose as its engine."
        ),
        Entry(
            "proxy certificate verification disabled",
            "f26305575619cfc422ba5800e2dd7261",
            "The proxy of a context in use has insecureSkipVerify: anyone on the network path can pose as that proxy "
                + "and read its password."
        ),
        Entry(
            "stream redirect failed",
            "17141b34ee1efe8933c3cc66d499b8f0",
            "The engine redirected a stream to an address that transport.redirects forbids or that cannot be "
                + "reached; logged once for each control channel."
        ),
        Entry(
            "streams cannot reach the engine",
            "d8be2c2da7d94aacbcd624dac2c15e47",
            "The control channel is open, but connections for visitors' streams fail, perhaps because local "
                + "ports are used up; logged once until one succeeds."
        ),
        Entry(
            "token expires within a day",
            "2b41ddbbe076e28d3ed88dfe6264dbb4",
            "Replace the engine's token soon."
        ),
        Entry(
            "token expired, the next connect will fail",
            "34eaec1a97b44c63220b956f72af4348",
            "Replace the engine's token now."
        ),
        Entry(
            "client certificate expires within a day",
            "53c2e3ee32c240f7a8f7c66434f4133b",
            "Renew the client certificate of the context soon."
        ),
        Entry(
            "client certificate expired, the next connect will fail",
            "dfc5e7b5972d46699ceab5037a82aebd",
            "Renew the client certificate of the context now."
        ),
        Entry(
            "invalid certificate in CA file",
            "32668b4fec0544468c716575db3afd77",
            "A caFile is damaged at the line given; the daemon uses the other certificates in it."
        ),
        Entry(
            "message from the engine",
            "3dcd2c4f935b05d1abf33d7c7115e782",
            "A message that the engine's operator sends to all clients."
        ),
        Entry(
            "name lookup failed, using last known addresses",
            "f3020cc4615191e9c29ce11c5e1b6aa0",
            "Name resolution fails; the daemon dials the engine's previous addresses."
        ),
        Entry(
            "control plane unreachable, using last known engine",
            "4fcd48f5cc5afb706e004db6153808ca",
            "The daemon cannot look up the project's engine; it dials the one it knows."
        ),
        Entry(
            "control plane reachable again",
            "5f353df038e0660a5f852aea6bc7abcc",
            "The daemon can look up the project's engine again."
        ),
    ]

    private static let tunnels = [
        Entry("opening tunnel", "14283706bd61b1ab42a47d26c56c572f", "The engine is asked to open a tunnel."),
        Entry(
            "tunnel online",
            "6bd2becbb20fa8f90ecae39efcebc8d7",
            "Visitors reach the tunnel at this address; after an outage of its session logged at debug only."
        ),
        Entry(
            "tunnel online at another address",
            "a4e96e1e93333b59ecb4b0ad46022fd5",
            "The engine granted another address than before; visitors who know the old one need the new one."
        ),
        Entry(
            "tunnel down, retrying",
            "f11d8ba647ac4afd368959a535c7ba90",
            "The engine refused or ended a tunnel while its session goes on; logged once for each cause, and "
                + "at info where the engine may still hold the address for a session that was lost."
        ),
        Entry(
            "tunnel on standby",
            "3fe62d5985597550a3d5781c0d6989b3",
            "Another tunnel, perhaps the same one of another host, holds the name or port that this one is "
                + "configured with. The daemon asks again every few seconds and takes over when it is free."
        ),
        Entry(
            "tunnel took over",
            "ec734dd66081ca6f11f0159d091f0c26",
            "A tunnel that was on standby is online at this address: the one that held its name or port is "
                + "gone."
        ),
        Entry(
            "upstream unreachable",
            "5a6c2d0ab444299edb34cef231ab6c65",
            "An outage of a local service begins: it refuses connections, is missing or does not answer."
        ),
        Entry("upstream reachable again", "34e942e1c7ed138be64eed711dd9dc20", "The outage of a local service is over."),
        Entry(
            "upstream ejected",
            "dc59277382ee74d09a353e830b01b39a",
            "Dials of one of several upstreams have failed in a row; streams go to the others, and try it again later."
        ),
        Entry(
            "upstream takes connections again",
            "7294d15b06a89d1267604c08ea5e2e81",
            "An ejected upstream gets its share of streams again."
        ),
        Entry("upstream unhealthy", "c66b84f3b3d537c00b0b8fbb433c268d", "An upstream has failed its health checks."),
        Entry(
            "upstream healthy again",
            "d3d0b2ebdd11da562a21232332d9dd7e",
            "An upstream passes its health checks again."
        ),
        Entry(
            "no upstream is healthy, closing tunnel",
            "189c310ba83c92597357d0e6518c6ee2",
            "All upstreams of a tunnel with onUnhealthy: close fail their checks; it is closed at the engine until one "
                + "passes."
        ),
        Entry(
            "an upstream is healthy, opening tunnel",
            "695b0911323f6d79a23bd27de77d923a",
            "A tunnel that was closed because its upstreams were unhealthy is opened again."
        ),
    ]

    private static let listeners = [
        Entry("listening", "7bdd6428659ec36adf401f2c778165fc", "A listener accepts connections at these addresses."),
        Entry(
            "listen failed, retrying",
            "d6aa5b7b43358587019cc3bbc74fe32d",
            "A listener cannot listen at its address; the daemon retries until it can."
        ),
        Entry(
            "listening socket closed",
            "cda9e1434fb0ddc81b91c6a2ec1de5ec",
            "A listener lost its socket; the daemon opens another one at the same address."
        ),
        Entry(
            "listener group not found",
            "573b30e43e3225f2f8872351558aa1a6",
            "This host has no group of the name that the listener gives, so its Unix socket keeps the daemon's group."
        ),
        Entry(
            "daemon not in listener group",
            "5dea778dbfce19f9c4ef8971d88e551f",
            "Only a member of a group can give a file to it, so the listener's Unix socket keeps the daemon's group."
        ),
        Entry(
            "tunnel unreachable",
            "57771e5dd81b8dff6aceea7c9a8ac72b",
            "An outage of a listener's tunnel begins: the listener accepts connections and closes them."
        ),
        Entry(
            "tunnel reachable again",
            "82e8722864f5ef4bc55392ead200245f",
            "The outage of a listener's tunnel is over."
        ),
        Entry(
            "cannot accept connections",
            "f23ead7729e2a14cae1bbce5b0550f91",
            "The process ran out of file descriptors or memory for connections to a listener."
        ),
        Entry(
            "accepting connections again",
            "5a557ad0aa358f91818dc0ccbe1a947e",
            "A listener has file descriptors and memory again."
        ),
    ]

    /// Messages at level `debug`; `log.streams` raises `stream closed` to `info`.
    private static let streams = [
        Entry(
            "stream waiting for upstream",
            "e9eadf8580345235cd31e475a6224ad8",
            "The local service refuses connections or is missing, and the stream waits for it as long as holdTimeout "
                + "allows."
        ),
        Entry(
            "stream not opened",
            "e330d2c7e29363065d30f7ac9a64dcaa",
            "A visitor's stream ended before it was served: a limit refused it, its upstream was not reached, or the visitor "
                + "or the engine closed it."
        ),
        Entry(
            "upstream dial failed, trying another",
            "16e903f523234f1be984d7d88de96825",
            "One of several upstreams has not taken a stream, which goes to the next."
        ),
        Entry(
            "upstream dial failed",
            "4895f1b95e5064e595e06e19361f5554",
            "A stream was closed because its local service is not reachable."
        ),
        Entry(
            "stream closed",
            "22d8ec97e2a9ed0fbc03565d6e322122",
            "A stream has ended or was refused: its bytes in both directions, its duration and its outcome. Without "
                + "log.streams logged at debug only."
        ),
        Entry(
            "stream idle timeout",
            "c11666ebac7aab26ba02a8a54977b0cd",
            "No bytes moved for upstream.idleTimeout, and the stream was cut."
        ),
        Entry(
            "connection refused",
            "ac24bd53e50c4f65eeafd3149a79cd53",
            "A listener closed a connection because a limit was reached or the daemon is stopping."
        ),
        Entry(
            "tunnel dial failed",
            "527fc9c08e0b606595c91f369d6f3841",
            "A listener closed a connection because its tunnel could not be dialed."
        ),
    ]
}
