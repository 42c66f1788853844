/// Every kind of line that the daemon logs, with the `MESSAGE_ID` under which the journal keeps it.
///
/// An id stays with its message for good, and a message that is worded anew keeps its id: programs wait for it, as in
/// `journalctl MESSAGE_ID=6883b2c6314803dee7ef4db32a8768bf`. A new message gets a new random id (`systemd-id128 new`).
package enum LogCatalogue {
    /// One kind of line.
    package struct Entry: Hashable, Sendable {
        /// The constant message.
        package let message: String
        /// 128 bits in 32 lower-case hexadecimal digits.
        package let id: String
        /// What it tells an operator, in one sentence.
        package let meaning: String

        fileprivate init(_ message: String, _ id: String, _ meaning: String) {
            (self.message, self.id, self.meaning) = (message, id, meaning)
        }
    }

    /// The id of a message, if it is one of ours.
    static func id(of message: String) -> String? { ids[message] }

    private static let ids = Dictionary(entries.map { ($0.message, $0.id) }) { first, _ in first }

    /// All kinds, in the order in which an operator gets to know them.
    package static let entries = daemon + configuration + sessions + tunnels + listeners + streams

    private static let daemon = [
        Entry(
            "started",
            "cf1a23edfbdce847577b3e11aa9e9766",
            "The daemon has read its configuration and begins to connect."
        ),
        Entry(
            "a core dump would hold secrets",
            "fb26fd94152c4e468e97b4c7d29ec51e",
            "The kernel does not let the daemon leave its memory out of core dumps; keep those to yourself."
        ),
        Entry(
            "the daemon is stuck",
            "a2ad3407cf0041a4813c0bf31e5ff67b",
            "A part of the daemon has not answered for half of the watchdog's time: a bug of ours. systemd will restart it."
        ),
        Entry(
            "admin socket open",
            "973bbec210f3873953d511f451c93e92",
            "Operators and rstreamctl can ask the daemon at this address."
        ),
        Entry(
            "admin socket closed",
            "69c809e8c0ee44b7a0b8608a28f56833",
            "The configuration wants no admin socket any more; the daemon cannot be asked."
        ),
        Entry(
            "a socket from systemd is not used",
            "69acebbee8994808a3ee98425cbbc628",
            "Something that systemd has handed over cannot serve the admin API; it was closed."
        ),
        Entry(
            "the admin socket's group does not exist, its user alone may use it",
            "7d74e852536de18133aaf3f86c851913",
            "This host has no group of the name in admin.group, so only root and the daemon's own user can ask the daemon."
        ),
        Entry(
            "the daemon is not in the admin socket's group, its user alone may use it",
            "3f0d4a7be1c84d0c9d6a1f52c87e90b4",
            "A file can be given to a group by a member of it only, so only root and the daemon's own user can ask the daemon."
        ),
        Entry(
            "metrics are not served, trying again",
            "8e2b5c91d7f04a63b0e4c6d8195a37f2",
            "The address of metrics.listen cannot be had; the error says why. It is tried until it can."
        ),
        Entry(
            "metrics port open",
            "2c827f8a4d68f667710e0c58388d6cc1",
            "Metrics are served at these addresses, as metrics.listen wants."
        ),
        Entry(
            "metrics port lost",
            "34c1e9a44ecbfcdc2bcd21a50caefc48",
            "A reload gave the port up for another place that could not be had, and did not get it back."
        ),
        Entry(
            "asked over the admin socket",
            "e194d94a6e3ac8a61a542dec72b9a52a",
            "An operator has changed something: the call, what it was answered with, and whose process it was."
        ),
        Entry(
            "fewer streams than configured",
            "8899f00fd45842c1b5d4e70f6cfee444",
            "There are not enough file descriptors for limits.streams, or not enough memory: raise LimitNOFILE= or "
                + "MemoryMax= of the service, or lower it."
        ),
        Entry(
            "few file descriptors",
            "2fff72f200638bcfa157d72ecced1507",
            "The limit of descriptors is small, and so is the number of streams that there may be at once."
        ),
        Entry(
            "streams refused",
            "918e7297068d40cb82ed410298313b7a",
            "As many streams are open as limits.streams, the file descriptors or the memory allow; told once as long as it "
                + "goes on."
        ),
        Entry(
            "streams are taken again",
            "049807cac2b7f3b7d00fbc77149f4a43",
            "The limit that all streams share has turned nobody away for a while."
        ),
        Entry(
            "visitors are turned away",
            "044b3967e1892db6bebb7c1b7fdd63a4",
            "A tunnel or listener has as many streams as its own limit, or that of streams being opened, allows."
        ),
        Entry(
            "visitors are let in again",
            "40cf24524ca3e6c4b18696d7298f9694",
            "The limit of a tunnel or listener has turned nobody away for a while."
        ),
        Entry(
            "stopping, streams may end",
            "39c42e5b575b98c5b953a8fcd7d388f5",
            "The daemon was asked to stop: no new streams, and the open ones have until drain.timeout."
        ),
        Entry(
            "asked to stop again, cutting streams",
            "6883b2c6314803dee7ef4db32a8768bf",
            "A second signal ended the drain."
        ),
        Entry(
            "cutting streams",
            "5f56a768d21ab394591f493afecf2b2f",
            "Streams were still open when drain.timeout had passed, and were reset."
        ),
        Entry(
            "draining, streams may end",
            "ba4adb94ae38fe2a70b29d6535858265",
            "A tunnel or listener was drained, changed or removed: its open streams have until drain.timeout."
        ),
        Entry(
            "the drain was ended, streams go on",
            "f6728c9b2369a51216800843d6276ef7",
            "An operator enabled a tunnel whose streams were draining: they are not cut."
        ),
        Entry(
            "a bug of ours ended the daemon",
            "a788e8a0f0c74b8db5295f5665556555",
            "Something that must not happen; tell us, with the lines before and `rstreamctl doctor --bundle`."
        ),
        Entry("stopped", "04c6b8db761c79e48ba80877619f033f", "The last line of a daemon that ended in order."),
        Entry(
            "log lines were lost, they were not read fast enough",
            "ca6dc685ada2a0de1eb3c66179a1f3fa",
            "Whoever reads the log was too slow; count lines are missing here, and nothing else was delayed."
        ),
        Entry(
            "the network changed",
            "d9d73001f4b56d8dce0ebe46a912dee1",
            "An address or a route came or went, or the host woke up; sessions make sure that they are alive."
        ),
        Entry(
            "changes of the network are not seen",
            "36a186a18a28e277ad72ba2a09b9478c",
            "The kernel does not report changes of the network; outages are noticed by silence only."
        ),
        Entry(
            "generated host names cannot be read, making new ones",
            "06654d95ad1f5cc9d8349757f2e06f78",
            "The file of generated host names is damaged or unreadable; tunnels without a hostname get new ones."
        ),
        Entry(
            "generated host names cannot be kept, a restart makes new ones",
            "c7e5306b435962d902cf425c72419c3d",
            "The state directory cannot be written."
        ),
        Entry(
            "the reconnect schedule cannot be read, dialing at once",
            "7c14402dc1ae496f9303624d546b54a1",
            "The file of waits that were left at the last end is damaged or unreadable; nothing but the waits is lost."
        ),
        Entry(
            "the reconnect schedule cannot be kept, a restart dials at once",
            "8290559ffc7c48a9aec24f4adea5646d",
            "The state directory cannot be written."
        ),
    ]

    private static let configuration = [
        Entry(
            "configuration",
            "4f42437a35cdcdcb242c2d305c081d82",
            "One warning or error about the configuration, with file, line and column."
        ),
        Entry("reloaded", "c217bdc2e98a013c5db26842ad6798c7", "A changed configuration was read and is what runs."),
        Entry(
            "reloaded, nothing changed",
            "98f8f4fcc83b29b58568e45fcf4c637d",
            "The configuration was read again and is what runs already."
        ),
        Entry(
            "reload refused, keeping the running configuration",
            "dbdf9ceb352fc8751ea4d736c7eb3e6c",
            "The configuration has errors, each told in a line before; nothing was changed."
        ),
        Entry(
            "tunnel changed",
            "b44390ca47bbdd8660bd728f0819c954",
            "What a reload did to one tunnel, and how many of its streams that touched."
        ),
        Entry(
            "credentials cannot be watched",
            "c49e17a3528b4f7d86d0b1e35f7a2c68",
            "The kernel does not tell about changed files; a rejected session waits for its next attempt."
        ),
        Entry(
            "setting changed",
            "5c6f7a1f0a0e4d3b9d0b7c1b5e2f8a46",
            "A reload found another value of this key of the daemon's own, and it is in force."
        ),
        Entry(
            "setting not in force",
            "b1d8e0c24f9a47d6a3e57f60c9d21b87",
            "A reload found another value of this key of the daemon's own; the reason says why it is not in force."
        ),
        Entry(
            "listener changed",
            "94f78f22a81e5d755230fcc97d937671",
            "What a reload did to one listener, and how many of its streams that touched."
        ),
        Entry(
            "files cannot be watched, send SIGHUP to reload",
            "6c79a04f7dd36287d95c0c86a60b3503",
            "The kernel does not tell about changed files, as watch needs it."
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
            "The outage is over: a tunnel is open again, after so many attempts and seconds."
        ),
        Entry(
            "reconnecting, context changed",
            "10451f4e5282b387ef1b270e02d25900",
            "A reload brought another credential or transport; streams stay."
        ),
        Entry(
            "the engine's certificate is not checked",
            "e6088fb7e6c39258c622dd48c5946ed7",
            "A context in use has insecureSkipVerify: anyone on the way can be its engine."
        ),
        Entry(
            "the proxy's certificate is not checked",
            "f26305575619cfc422ba5800e2dd7261",
            "The proxy of a context in use has insecureSkipVerify: anyone can be that proxy and see its password."
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
            "a block of a CA file is no certificate",
            "32668b4fec0544468c716575db3afd77",
            "A caFile is damaged at the line that is named; what else is in it is used."
        ),
        Entry(
            "message from the engine",
            "3dcd2c4f935b05d1abf33d7c7115e782",
            "A message that the engine's operator sends to all clients."
        ),
        Entry(
            "name not resolved, using its last known addresses",
            "f3020cc4615191e9c29ce11c5e1b6aa0",
            "Name resolution fails; the engine is tried where it was last."
        ),
        Entry(
            "the control plane does not answer, using the engine it named last",
            "4fcd48f5cc5afb706e004db6153808ca",
            "The project's engine cannot be asked for; the one that is known is used."
        ),
        Entry(
            "the control plane answers again",
            "5f353df038e0660a5f852aea6bc7abcc",
            "The project's engine can be asked for again."
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
            "the upstream cannot be reached",
            "5a6c2d0ab444299edb34cef231ab6c65",
            "An outage of a local service begins: it refuses, is missing or does not answer."
        ),
        Entry(
            "the upstream is back",
            "34e942e1c7ed138be64eed711dd9dc20",
            "The outage of a local service is over."
        ),
    ]

    private static let listeners = [
        Entry("listening", "7bdd6428659ec36adf401f2c778165fc", "A listener takes connections at these addresses."),
        Entry(
            "not listening, trying again",
            "d6aa5b7b43358587019cc3bbc74fe32d",
            "The address or socket of a listener cannot be had; it is tried again until it can."
        ),
        Entry(
            "the listening socket was closed",
            "cda9e1434fb0ddc81b91c6a2ec1de5ec",
            "Something took a listener's socket away; the listener opens another one at the same address."
        ),
        Entry(
            "the listener's group does not exist, its socket keeps the daemon's own",
            "573b30e43e3225f2f8872351558aa1a6",
            "This host has no group of the name that a listener's group gives, so its Unix socket is not given away."
        ),
        Entry(
            "the daemon is not in the listener's group, the socket keeps its own",
            "5dea778dbfce19f9c4ef8971d88e551f",
            "A file can be given to a group by a member of it only, so a listener's Unix socket is not given away."
        ),
        Entry(
            "the tunnel cannot be dialed",
            "57771e5dd81b8dff6aceea7c9a8ac72b",
            "An outage of a listener's tunnel begins: connections are taken and closed."
        ),
        Entry(
            "the tunnel can be dialed again",
            "82e8722864f5ef4bc55392ead200245f",
            "The outage of a listener's tunnel is over."
        ),
        Entry(
            "connections cannot be taken",
            "f23ead7729e2a14cae1bbce5b0550f91",
            "The process ran out of descriptors or memory for connections to a listener."
        ),
        Entry(
            "connections are taken again",
            "5a557ad0aa358f91818dc0ccbe1a947e",
            "A listener has descriptors and memory again."
        ),
    ]

    /// Told at `debug` only.
    private static let streams = [
        Entry(
            "the stream waits for its upstream",
            "e9eadf8580345235cd31e475a6224ad8",
            "The service refuses or is missing, and the stream waits for it as long as holdTimeout allows (debug)."
        ),
        Entry(
            "stream not opened",
            "e330d2c7e29363065d30f7ac9a64dcaa",
            "A visitor's stream ended before it was served: refused for a limit, or its visitor or engine went away."
        ),
        Entry(
            "upstream not reached",
            "4895f1b95e5064e595e06e19361f5554",
            "A stream was given up because its local service is not there."
        ),
        Entry(
            "stream closed",
            "22d8ec97e2a9ed0fbc03565d6e322122",
            "A stream is over, with its bytes in both directions and its duration."
        ),
        Entry("stream idle, cutting it", "c11666ebac7aab26ba02a8a54977b0cd", "Nothing moved for upstream.idleTimeout."),
        Entry(
            "connection refused",
            "ac24bd53e50c4f65eeafd3149a79cd53",
            "A listener closed a connection because a limit was reached or the daemon stops."
        ),
        Entry(
            "tunnel not dialed",
            "527fc9c08e0b606595c91f369d6f3841",
            "A listener closed a connection because its tunnel could not be dialed."
        ),
    ]
}
