// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CSystemd
internal import Glibc
internal import Linux

/// What systemd is about to do with the unit of this process, as its D-Bus interface tells it (org.freedesktop.systemd1(5)).
package struct UnitPlan: Hashable, Sendable {
    /// What is under way: `start`, `stop`, `restart`; nil when nothing is.
    package var job: String?
    /// `ActiveState`.
    package var state: String
    /// Whether processes of the unit may outlive its main process (`KillMode=process`).
    package var leavesProcesses: Bool
    /// Whether systemd keeps descriptors for the next process (`FileDescriptorStoreMax=`).
    package var keepsDescriptors: Bool
    /// Whether systemd passes the sockets that it has opened on as non-blocking ones (`NonBlocking=`). Otherwise it makes
    /// them block each time, for every process that has them.
    package var isNonBlocking: Bool

    package init(
        job: String?,
        state: String,
        leavesProcesses: Bool = true,
        keepsDescriptors: Bool = true,
        isNonBlocking: Bool = true
    ) {
        (self.job, self.state) = (job, state)
        (self.leavesProcesses, self.keepsDescriptors) = (leavesProcesses, keepsDescriptors)
        self.isNonBlocking = isNonBlocking
    }

    /// What a process of the unit does that is told to stop.
    package enum Departure: Hashable, Sendable {
        case stop
        /// Another process is started. It can take over, and what this one leaves behind lives on.
        case takeOver
        /// Another process is started, whose sockets this one would hang in.
        case stopForSockets
    }

    /// `sharesSockets` when the process serves on sockets that systemd has opened.
    package func departure(sharesSockets: Bool) -> Departure {
        guard job == "restart", leavesProcesses, keepsDescriptors else { return .stop }
        return isNonBlocking || !sharesSockets ? .takeOver : .stopForSockets
    }

    /// Whether another process of the unit is started by a job or by `Restart=`, or may be by an operator because the unit
    /// has failed.
    package var mayStart: Bool {
        switch job {
        case "stop": false
        case "start", "restart": true
        default: ["active", "activating", "reloading", "failed"].contains(state)
        }
    }

    /// Nil where systemd or its bus does not answer. Blocks.
    package static func current() -> UnitPlan? {
        MayBlock.now("sd_bus_get_property")
        guard let bus = Bus() else { return nil }
        return bus.plan()
    }

    /// A connection to the system's bus, and the unit of this process.
    @safe
    private final class Bus {
        private let bus: OpaquePointer
        private let path: String

        private static let manager = "org.freedesktop.systemd1"
        private static let timeoutMicroseconds: UInt64 = 2_000_000

        init?() {
            var bus: OpaquePointer?
            guard unsafe sd_bus_open_system(&bus) >= 0, let bus = unsafe bus else { return nil }
            unsafe sd_bus_set_method_call_timeout(bus, Self.timeoutMicroseconds)
            guard let path = unsafe Self.unitPath(bus) else {
                unsafe sd_bus_flush_close_unref(bus)
                return nil
            }
            unsafe self.bus = bus
            self.path = path
        }

        deinit { unsafe sd_bus_flush_close_unref(bus) }

        /// systemd tells it: sd_pid_get_unit(3) compares with process 1, which the unit's sandbox hides.
        private static func unitPath(_ bus: OpaquePointer) -> String? {
            var call: OpaquePointer?
            let (place, interface) = ("/org/freedesktop/systemd1", "\(manager).Manager")
            guard unsafe sd_bus_message_new_method_call(bus, &call, manager, place, interface, "GetUnitByPID") >= 0
            else {
                return nil
            }
            defer { unsafe sd_bus_message_unref(call) }
            // The process that asks.
            var process: UInt32 = 0
            var reply: OpaquePointer?
            guard unsafe sd_bus_message_append_basic(call, CChar(UInt8(ascii: "u")), &process) >= 0,
                unsafe sd_bus_call(bus, call, timeoutMicroseconds, nil, &reply) >= 0
            else {
                return nil
            }
            defer { unsafe sd_bus_message_unref(reply) }
            var path: UnsafePointer<CChar>?
            guard unsafe sd_bus_message_read_basic(reply, CChar(UInt8(ascii: "o")), &path) >= 0, let path = unsafe path
            else {
                return nil
            }
            return unsafe String(cString: path)
        }

        func plan() -> UnitPlan? {
            // First, because it is what changes.
            guard let job = job(), let state = text("Unit", "ActiveState", of: path),
                let kill = text("Service", "KillMode", of: path)
            else {
                return nil
            }
            return UnitPlan(
                job: job.isEmpty ? nil : job,
                state: state,
                leavesProcesses: kill == "process" || kill == "none",
                keepsDescriptors: number("FileDescriptorStoreMax", "u") > 0,
                isNonBlocking: number("NonBlocking", "b") > 0
            )
        }

        /// The type of the unit's job; empty without one.
        private func job() -> String? {
            var reply: OpaquePointer?
            guard
                unsafe sd_bus_get_property(bus, Self.manager, path, "\(Self.manager).Unit", "Job", nil, &reply, "(uo)")
                    >= 0
            else {
                return nil
            }
            defer { unsafe sd_bus_message_unref(reply) }
            var number: UInt32 = 0
            var object: UnsafePointer<CChar>?
            guard unsafe sd_bus_message_enter_container(reply, CChar(UInt8(ascii: "r")), "uo") >= 0,
                unsafe sd_bus_message_read_basic(reply, CChar(UInt8(ascii: "u")), &number) >= 0,
                unsafe sd_bus_message_read_basic(reply, CChar(UInt8(ascii: "o")), &object) >= 0
            else {
                return nil
            }
            guard number > 0, let object = unsafe object else { return "" }
            // It may be done by now.
            return unsafe text("Job", "JobType", of: String(cString: object)) ?? ""
        }

        private func text(_ interface: String, _ property: String, of object: String) -> String? {
            var value: UnsafeMutablePointer<CChar>?
            let interface = "\(Self.manager).\(interface)"
            guard
                unsafe sd_bus_get_property_string(bus, Self.manager, object, interface, property, nil, &value) >= 0,
                let value = unsafe value
            else {
                return nil
            }
            defer { unsafe free(value) }
            return unsafe String(cString: value)
        }

        /// A property of the service that takes 32 bits, with the type that D-Bus gives it; 0 where it is not told.
        private func number(_ property: String, _ type: Unicode.Scalar) -> UInt32 {
            var value: UInt32 = 0
            let interface = "\(Self.manager).Service"
            let type = CChar(UInt8(ascii: type))
            let result = unsafe sd_bus_get_property_trivial(
                bus,
                Self.manager,
                path,
                interface,
                property,
                nil,
                type,
                &value
            )
            return result >= 0 ? value : 0
        }
    }
}
