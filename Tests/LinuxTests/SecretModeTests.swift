import Linux
import Testing

@Suite("A file that keeps a secret")
struct SecretModeTests {
    private func exposure(
        _ mode: UInt32,
        owner: UInt32 = 0,
        group: UInt32 = 7,
        readOnly: Bool = false
    ) -> PathStep.Exposure? {
        PathStep(.file, path: "/s", owner: owner, group: group, mode: mode).exposure(
            groups: [7, 8],
            isReadOnlyMount: readOnly
        )
    }

    @Test("is its owner's alone, or root's and readable by a group of this process")
    func modes() {
        for mode: UInt32 in [0o600, 0o400, 0o700, 0] {
            #expect(exposure(mode) == nil)
            #expect(exposure(mode, owner: 1_000, group: 9) == nil)
        }
        for mode: UInt32 in [0o640, 0o440] {
            #expect(exposure(mode) == nil)
            #expect(exposure(mode, group: 8) == nil)
            // A group that this process is not in, or one that its owner chose who is not root.
            #expect(exposure(mode, group: 9) == .others)
            #expect(exposure(mode, owner: 1_000) == .others)
        }
        // Others may read it, or the group may write to it or run it.
        for mode: UInt32 in [0o644, 0o444, 0o604, 0o660, 0o620, 0o650, 0o641, 0o642] {
            #expect(exposure(mode) == .others)
        }
    }

    @Test("and is open on a mount that is read only is mended where it is mounted")
    func mount() {
        #expect(exposure(0o644, readOnly: true) == .readOnlyMount)
        #expect(exposure(0o440, readOnly: true) == nil)
        #expect(exposure(0o644)?.fix("/s") == "chmod 600 /s")
        #expect(exposure(0o644, readOnly: true)?.fix("/s").contains("defaultMode: 0400") == true)
    }
}
